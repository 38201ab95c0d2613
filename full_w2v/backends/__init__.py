"""Backends that train: each one computes the contract of csrc/sgns."""
