from ipaddress import IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.settings import Environment, Settings
from app.webhooks import addresses

PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "93.184.216.34",
    "192.0.1.1",
    "192.88.98.255",
    "192.88.100.0",
    "100.63.255.255",
    "100.128.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "223.255.255.255",
    "2600::1",
    "2001:200::1",
    "2001:4860:4860::8888",
    "2003::1",
    "2a00:1450:4001:80b::200e",
    "::ffff:8.8.8.8",
]

NOT_PUBLIC = {
    "loopback": ["127.0.0.1", "127.255.255.254", "::1"],
    "this host": ["0.0.0.0", "0.0.0.1", "0.255.255.255", "::"],  # noqa: S104  nothing is bound to it
    "private": ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1", "fd12:3456:789a::1"],
    "link": ["169.254.169.254", "fe80::1", "fe80::1%1", "febf::1"],
    "a provider's": ["100.64.0.1", "100.127.255.255"],
    "protocols": ["192.0.0.1", "192.0.0.8", "192.0.0.100", "192.0.0.255", "192.88.99.1", "2001::1", "2001:1ff::1"],
    "documentation": ["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1", "3fff:fff::1"],
    "benchmarks": ["198.18.0.1", "198.19.255.255", "2001:2::1"],
    "multicast": ["224.0.0.1", "239.1.1.1", "239.255.255.255", "ff02::1", "ff0e::1"],
    "reserved": ["240.0.0.1", "255.255.255.255", "4000::1", "fec0::1", "5f00::1", "3ffe::1", "100::1"],
    "IPv4 inside": [
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::808:808",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2002:808:808::1",
        "2001:0:7f00:1::1",
    ],
}


class TestAddresses:
    @pytest.mark.parametrize("address", PUBLIC)
    def test_that_are_public_may_be_reached(self, address: str) -> None:
        assert addresses.is_allowed(ip_address(address))

    @pytest.mark.parametrize("address", [each for group in NOT_PUBLIC.values() for each in group])
    def test_that_are_not_public_may_not(self, address: str) -> None:
        assert not addresses.is_allowed(ip_address(address))

    @given(
        first=st.integers(0, 0xFFFF).filter(lambda block: block >> 13 != 1),
        rest=st.binary(min_size=14, max_size=14).filter(lambda rest: rest[:10] != bytes(8) + b"\xff\xff"),
    )
    def test_of_ipv6_that_were_never_given_out_may_not(self, first: int, rest: bytes) -> None:
        assert not addresses.is_allowed(IPv6Address(first.to_bytes(2) + rest))

    @given(st.ip_addresses(v=4))
    def test_wrapped_in_ipv6_are_what_is_inside(self, address: addresses.Address) -> None:
        assert addresses.is_allowed(ip_address(f"::ffff:{address}")) == addresses.is_allowed(address)

    def test_of_networks_that_an_operator_names_may_be_reached_too(self) -> None:
        networks = [ip_network("10.1.0.0/16"), ip_network("fd00::/8")]

        allowed = ["10.1.2.3", "fd00::1", "8.8.8.8"]
        refused = ["10.2.0.1", "::ffff:10.1.2.3", "::ffff:10.2.0.1", "fc00::1", "127.0.0.1"]
        assert [each for each in allowed + refused if addresses.is_allowed(ip_address(each), networks)] == allowed


ON_THE_NET = Settings()
INSIDE = Settings(webhook_allowed_networks=["127.0.0.0/8", "fd00::/8"])
INSIDE_IN_PRODUCTION = INSIDE.model_copy(update={"environment": Environment.PRODUCTION})


class TestUrls:
    @pytest.mark.parametrize(
        "url",
        [
            "https://ehr.example",
            "https://ehr.example/",
            "https://EHR.example/hooks/afterglow?token=a%20b&x=[1]",
            "https://ehr.example:443/",
            "https://ehr.example:8443/",
            "https://ehr.example:1024/",
            "https://xn--bcher-kva.example/",
            "https://a_b.example/",
            "https://8.8.8.8/",
            "https://[2600::1]:8443/",
            "https://localhost/",  # a name: what it leads to is known when it is looked up
        ],
    )
    def test_that_webhooks_may_go_to(self, url: str) -> None:
        assert addresses.fault(url, ON_THE_NET) is None

    @pytest.mark.parametrize(
        ("url", "fault"),
        [
            ("", "must have 1 to 2000 characters"),
            ("https://ehr.example/" + "a" * 2000, "must have 1 to 2000 characters"),
            ("http://ehr.example/", "must start with https://"),
            ("ftp://ehr.example/", "must start with https://"),
            ("//ehr.example/", "must start with https://"),
            ("ehr.example", "must start with https://"),
            ("file:///etc/passwd", "must start with https://"),
            ("https:///hook", "must have the name of a host"),
            ("https://?a=b", "must have the name of a host"),
            ("https://.example/", "must have the name of a host"),
            ("https://ehr..example/", "must have the name of a host"),
            ("https://ehr.example./", "must have the name of a host"),
            ("https://-ehr.example/", "must have the name of a host"),
            ("https://ehr%2eexample/", "must have the name of a host"),
            ("https://[fe80::1%25eth0]/", "must have the name of a host"),
            (f"https://{'a' * 64}.example/", "must have the name of a host"),
            ("https://bücher.example/", "must be plain ASCII"),
            ("https://ehr.example/a b", "must be plain ASCII"),
            ("https://ehr.example/\n", "must be plain ASCII"),
            ("https://ehr.example/\x00", "must be plain ASCII"),
            ("\thttps://ehr.example/", "must be plain ASCII"),
            ("https://ehr.example\\@localhost/", "must be plain ASCII"),
            ("https://user@ehr.example/", "must have no user name"),
            ("https://user:password@ehr.example/", "must have no user name"),
            ("https://@ehr.example/", "must have no user name"),
            ("https://ehr.example/#part", "must have no fragment"),
            ("https://ehr.example/#", "must have no fragment"),
            ("https://ehr.example:80/", "must have port 443"),
            ("https://ehr.example:22/", "must have port 443"),
            ("https://ehr.example:0/", "must have port 443"),
            ("https://ehr.example:1023/", "must have port 443"),
            ("https://ehr.example:65536/", "is none"),
            ("https://ehr.example:port/", "is none"),
            ("https://[::1/", "is none"),
            ("https://[nonsense]/", "is none"),
            ("https://2130706433/", "must have an address as four numbers"),
            ("https://0x7f000001/", "must have an address as four numbers"),
            ("https://127.1/", "must have an address as four numbers"),
            ("https://0/", "must have an address as four numbers"),
            ("https://0177.0.0.1/", "must have an address as four numbers"),
            ("https://127.0.0.1/", "must not lead to this address"),
            ("https://169.254.169.254/latest/meta-data", "must not lead to this address"),
            ("https://[::1]/", "must not lead to this address"),
            ("https://[::ffff:127.0.0.1]/", "must not lead to this address"),
            ("https://[64:ff9b::7f00:1]/", "must not lead to this address"),
            ("https://[2002:7f00:1::]/", "must not lead to this address"),
        ],
    )
    def test_that_they_may_not_go_to(self, url: str, fault: str) -> None:
        found = addresses.fault(url, ON_THE_NET)

        assert found is not None
        assert found.startswith(fault)

    @pytest.mark.parametrize(
        "url",
        [
            "http://127.0.0.1/hook",
            "http://127.0.0.1:80/",
            "http://127.0.0.1:9000/",
            "http://[fd00::1]:9000/",
            "http://receiver:9000/",
            "https://127.0.0.1:9000/",
        ],
    )
    def test_inside_that_a_developer_may_use(self, url: str) -> None:
        assert addresses.fault(url, INSIDE) is None

    @pytest.mark.parametrize("url", ["http://8.8.8.8/", "http://10.0.0.1/", "http://127.0.0.1:22/"])
    def test_without_tls_lead_to_the_allowed_networks_alone(self, url: str) -> None:
        assert addresses.fault(url, INSIDE) is not None

    def test_outside_development_are_https_wherever_they_lead(self) -> None:
        assert addresses.fault("http://127.0.0.1:9000/", INSIDE_IN_PRODUCTION) == "must start with https://"
        assert addresses.fault("https://127.0.0.1:9000/", INSIDE_IN_PRODUCTION) is None

    @given(st.text(max_size=60))
    def test_of_any_kind_are_either_refused_or_taken_apart(self, text: str) -> None:
        for url in (text, f"https://{text}"):
            if addresses.fault(url, ON_THE_NET) is None:
                target = addresses.taken_apart(url, ON_THE_NET)
                assert target.scheme == "https"
                assert target.host == target.host.lower()
                assert target.path.startswith("/")


class TestParts:
    @pytest.mark.parametrize(
        ("url", "scheme", "host", "port", "path", "host_header"),
        [
            ("https://EHR.example", "https", "ehr.example", 443, "/", "ehr.example"),
            ("https://ehr.example:443/a?b=c", "https", "ehr.example", 443, "/a?b=c", "ehr.example"),
            ("https://ehr.example:8443/?", "https", "ehr.example", 8443, "/", "ehr.example:8443"),
            ("https://[2600::1]/", "https", "2600::1", 443, "/", "[2600::1]"),
            ("https://[2600::1]:8443/", "https", "2600::1", 8443, "/", "[2600::1]:8443"),
            ("http://127.0.0.1", "http", "127.0.0.1", 80, "/", "127.0.0.1"),
            ("http://127.0.0.1:443/", None, "", 0, "", ""),
        ],
    )
    def test_are_what_is_sent(
        self, url: str, scheme: str | None, host: str, port: int, path: str, host_header: str
    ) -> None:
        if scheme is None:
            assert addresses.fault(url, INSIDE) is not None
            return
        target = addresses.taken_apart(url, INSIDE)

        assert (target.scheme, target.host, target.port, target.path) == (scheme, host, port, path)
        assert target.host_header == host_header
        assert target.is_plain is (scheme == "http")
