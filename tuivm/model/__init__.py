"""Pure, frozen facts about hosts and guests, and functions over them."""
