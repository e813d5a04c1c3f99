"""The money: grants, the measures they cover, and what the city owes for them."""
