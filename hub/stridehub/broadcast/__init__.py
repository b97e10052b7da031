"""What coaches are told: messages made from what kernels, coaches and pods know."""
