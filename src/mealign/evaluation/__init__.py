"""What an arm answers, how good that is and how certain the number is."""
