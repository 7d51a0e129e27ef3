"""The activation keeps the contract of inrfit."""

from inrfit.testing import check_activation


def test_sinc():
    check_activation("sinc")
