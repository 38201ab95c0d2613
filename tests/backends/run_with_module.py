"""Runs pytest with another build of the emulated device: run_with_module.py MODULE.so ARGUMENTS..."""

import importlib.util
import sys

import pytest

spec = importlib.util.spec_from_file_location("full_w2v._cuda_emulated", sys.argv[1])
assert spec is not None
assert spec.loader is not None
module = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = module
spec.loader.exec_module(module)
sys.exit(pytest.main(["-q", "-x", "-p", "no:cacheprovider", *sys.argv[2:]]))
