"""What funders are told: approved facts, what changed, what comes."""
