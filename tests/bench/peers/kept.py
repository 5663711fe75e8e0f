"""Memory that glibc keeps: without it, PyTorch returns its large results to the kernel and waits for fresh pages at every
step, which costs it 10 to 30 % in training. A user who knows can set this, so the peer that is beaten has it set."""
KEEP = {"MALLOC_MMAP_THRESHOLD_": "1000000000", "MALLOC_TRIM_THRESHOLD_": "4000000000", "MALLOC_TOP_PAD_": "268435456"}
