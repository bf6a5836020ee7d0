import pytest

from pipeline.runtime.errors import UsageError
from pipeline.runtime.sockets import bound, check_free, free_port


def test_a_port_that_is_taken_is_named_and_so_is_the_option_that_changes_it() -> None:
    with bound("127.0.0.1", 0, "--port") as taken:
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"port {port} on 127.0.0.1 .* in use; choose another: --broker-port"):
            check_free("127.0.0.1", port, "--broker-port")


def test_a_free_port_can_be_bound() -> None:
    check_free("127.0.0.1", free_port(), "--port")


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(UsageError, match=r"192\.0\.2\.1 cannot be used: Cannot assign"):
        check_free("192.0.2.1", 8123, "--port")


def test_a_host_that_does_not_exist_is_named() -> None:
    with pytest.raises(UsageError, match=r"cannot listen on no\.such\.host\.invalid"):
        check_free("no.such.host.invalid", 8123, "--port")
