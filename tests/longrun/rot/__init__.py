"""What a worn card does to the store, one fault at a time: is it noticed, and does anything end by it?

python -m tests.longrun.rot --faults 500 --seed 1
"""
