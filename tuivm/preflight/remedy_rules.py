"""What goes wrong on the way to a host: ssh, the daemon, its socket, TLS and logins.

The first rule whose words are found is the answer. {host}, {login}, {start}, {join} and {domain}
are filled from the connection, other names from the pattern.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """pattern: found anywhere in the message, whatever the case."""

    pattern: re.Pattern[str]
    cause: str
    remedy: str


def rule(pattern: str, cause: str, remedy: str) -> Rule:
    return Rule(re.compile(pattern, re.IGNORECASE | re.DOTALL), cause, remedy)


_SSH = (
    rule(
        r"remote host identification has changed|differs from stored identity",
        "the host's ssh key is not the one that was known: it was set up anew, or somebody stands "
        "between",
        "find out which; if it was set up anew: ssh-keygen -R {host}, then ssh {login} once by "
        "hand",
    ),
    rule(
        r"host key verification failed|ssh host key for '[^']*'.* was not accepted|"
        r"can't verify the session host key",
        "the host's ssh key is not known here, and tuivm lets nothing ask for it on the terminal",
        "connect once by hand and compare the key: ssh {login}",
    ),
    rule(
        r"too many authentication failures",
        "ssh offered more keys than the host accepts",
        "name the one to use: ?keyfile=/path/to/key in the URI, or IdentityFile with "
        "IdentitiesOnly yes for {host} in ~/.ssh/config",
    ),
    rule(
        r"permission denied \((publickey|password|keyboard|gssapi)[^)]*\)|"
        r"all provided authentication methods|ssh agent did not provide any|"
        r"none of the requested authentication methods|rejected by the server",
        "ssh knows no key that the host accepts, and tuivm does not let it ask for a password",
        "ssh-copy-id {login}; a key with a passphrase goes into the agent first: ssh-add",
    ),
    rule(
        r"could not resolve hostname|name or service not known|"
        r"temporary failure in name resolution|nodename nor servname",
        "no such name: a typing error, no DNS, or a name that only ~/.ssh/config knows to others",
        "try: getent hosts {host}",
    ),
    rule(
        r"no route to host|network is unreachable|host is down",
        "no way to the host: it is off, or the network (a VPN?) is not up",
        "try: ping {host}",
    ),
    rule(
        r"connection timed out|operation timed out",
        "the host does not answer: it is off, unreachable, or a firewall drops the packets",
        "try: ping {host}; then see that the port is open",
    ),
    rule(
        r"ssh: connect to host .* connection refused|:22': connection refused",
        "the host answers, but no ssh server listens there",
        "start sshd on {host}, or give the port: qemu+ssh://USER@HOST:PORT/system",
    ),
    rule(
        r"(nc: unix connect failed|ncat): (no such file|connection refused)",
        "ssh got in, but libvirt's daemon does not run on the host",
        "{start}",
    ),
    rule(
        r"(nc: unix connect failed|ncat): permission denied",
        "ssh got in, but the user may not use libvirt's socket on the host",
        "{join}",
    ),
    rule(
        r"(virt-ssh-helper|netcat|\bnc)['’]?: (command )?not found|"
        r"command not found: (virt-ssh-helper|netcat|nc)|nc: invalid option",
        "ssh got in, but the host has neither virt-ssh-helper nor an nc that knows -U, to reach "
        "its libvirt with",
        "on {host} install libvirt's daemon (it brings virt-ssh-helper) or netcat-openbsd; another "
        "program: ?netcat=/path/to/nc in the URI",
    ),
    rule(
        r"cannot execute binary ['\"]?(?P<binary>\S*ssh\S*?)['\"]?:",
        "there is no ssh program at {binary}",
        "install openssh-client, or name it: ?command=/path/to/ssh in the URI",
    ),
)

_DAEMON = (
    rule(
        r"failed to connect socket to '[^']*': no such file",
        "no libvirt daemon is running: its socket is not there",
        "{start}",
    ),
    rule(
        r"failed to connect socket to '[^']*': connection refused|"
        r"unable to connect to libvirt .*connection refused",
        "the libvirt daemon has stopped: its socket is there, but nobody listens",
        "{start}",
    ),
    rule(
        r"failed to connect socket to '[^']*': permission denied",
        "this user may not use libvirt's socket",
        "{join}",
    ),
    rule(
        r"failed to connect socket to '[^']*': resource temporarily unavailable",
        "the daemon runs, but is too busy to take another connection",
        "wait: it is tried again by itself",
    ),
    rule(
        r"unable to connect to server at '(?P<server>[^']*)': connection refused",
        "nothing listens at {server}",
        "on {host}: sudo systemctl enable --now libvirtd-tls.socket (or libvirtd-tcp.socket), or "
        "use qemu+ssh:// instead",
    ),
    rule(
        r"polkit|policykit|unable to get system bus connection|"
        r"authentication unavailable: .*agent",
        "libvirt asks polkit who this is, and polkit cannot ask the person: there is no agent in "
        "this terminal",
        "{join}; or give polkit an agent: pkttyagent --process PID",
    ),
    rule(
        r"cannot create user (runtime|config|cache) directory",
        "the session daemon has no place of its own to write to",
        "set HOME and XDG_RUNTIME_DIR to directories that this user may write to",
    ),
    rule(
        r"no connection driver available for (?P<uri>\S+)",
        "libvirt has no driver for {uri}: a typing error, or a package that is not installed",
        "virsh version --daemon; libvirt-daemon-driver-xen and -lxc are packages of their own",
    ),
    rule(
        r"unexpected \w+ uri path|no qemu uri path given",
        "the URI has the wrong path",
        "qemu:///system for the machine's guests, qemu:///session for your own",
    ),
    rule(
        r"transport in url not recognised",
        "the URI names a transport that libvirt does not have",
        "one of ssh, tls, tcp, unix, libssh, libssh2, ext",
    ),
    rule(
        r"max_clients|too many (active )?(clients|connections)",
        "the daemon has as many clients as it allows",
        "close some, or raise max_clients in /etc/libvirt/libvirtd.conf",
    ),
    rule(
        r"read only access prevents",
        "the connection is read-only",
        "connect without --readonly",
    ),
    rule(
        r"connection closed due to keepalive timeout|client socket is closed|"
        r"end of file while reading|connection reset by peer|broken pipe|"
        r"received hangup event on socket",
        "the connection was cut: the daemon or the network went away",
        "it is tried again by itself; r tries now",
    ),
)

_CREDENTIALS = (
    rule(
        r"cannot read (CA )?certificate '(?P<file>[^']*)'|"
        r"cannot read .*(clientkey|clientcert)|unable to find .*cacert",
        "TLS needs a certificate that is not on this machine",
        "put the CA's certificate at /etc/pki/CA/cacert.pem and your own at "
        "/etc/pki/libvirt/clientcert.pem, or use qemu+ssh:// instead",
    ),
    rule(
        r"certificate \S* ?(has expired|is not yet active)",
        "a TLS certificate is outside its dates (or a clock is wrong)",
        "have it issued anew; look at it: virt-pki-validate",
    ),
    rule(
        r"certificate .*owner does not match the hostname",
        "the host's TLS certificate is for another name",
        "use the name that it was issued for, or have it issued for {host}",
    ),
    rule(
        r"certificate is not trusted|hasn't got a known issuer|failed to verify peer's cert|"
        r"certificate failed validation|unable to verify (server|client) certificate",
        "the TLS certificate was not issued by a CA that this side knows",
        "install the CA's certificate as /etc/pki/CA/cacert.pem on both sides; check with "
        "virt-pki-validate",
    ),
    rule(
        r"tls_allowed_dn_list|distinguished name is not on the list|"
        r"tls handshake failed|gnutls_handshake|peer certificate",
        "the two sides did not agree on TLS: the host refuses this certificate",
        "check both with virt-pki-validate, and tls_allowed_dn_list in libvirtd.conf on {host}",
    ),
    rule(
        r"sasl (mechanism|negotiation)|no mechanism available|failed to start sasl",
        "no way to log in (SASL) that both sides know",
        "install cyrus-sasl's module for it (scram, gssapi, …); see /etc/sasl2/libvirt.conf on "
        "{host}",
    ),
    rule(
        r"authentication (failed|cancelled)|sasl client identity",
        "user or password was refused or not given",
        "try again; the users of the host are set with saslpasswd2 -a libvirt USER there",
    ),
)

CONNECTION_RULES = _SSH + _DAEMON + _CREDENTIALS
