"""Lets the shared helpers of the backends' tests explain their failures like the tests themselves."""

import pytest

pytest.register_assert_rewrite("contract_cases", "transcription")
