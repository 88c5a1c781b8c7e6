"""What `homemon check` looks at: one function a finding."""
