"""What the money asks for: programmes, their workflows, reminder steps and rhythms."""
