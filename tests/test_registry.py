import pytest

from inrfit import registry
from inrfit.errors import ConfigError


@pytest.mark.parametrize(("kind", "name"), [(k, n) for k, table in registry.TABLE.items() for n in table])
def test_every_line_of_the_table_loads(kind, name):
    assert registry.load(kind, name) is not None


def test_unknown_names_are_listed_with_the_nearest():
    with pytest.raises(ConfigError, match="sine, relu") as caught:
        registry.load("activation", "sin")
    assert caught.value.hint == "did you mean 'sine'?"


def test_a_name_unlike_any_other_has_no_suggestion():
    with pytest.raises(ConfigError) as caught:
        registry.check("model", "qqqqqq")
    assert caught.value.hint is None
