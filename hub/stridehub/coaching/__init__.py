"""What strides mean for a runner, and when to say so: rules without any input or output."""
