"""On the server: the key that the edge serves a project with is made here, and never leaves."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from freehold.deploy.remote.refused import Refused


def main(document: dict[str, Any]) -> dict[str, Any]:
    """`do: request` answers a signing request on the project's key, which is made when there is none, or anew where
    `fresh` is asked for. `do: place` puts a certificate beside its key, into the file that HAProxy reads.
    """
    os.umask(0o077)
    folder, project = Path(document["folder"]), document["project"]
    if not folder.parent.is_dir():
        folder.parent.mkdir(parents=True)
        folder.parent.chmod(0o755)  # whatever the umask is
    folder.mkdir(exist_ok=True)
    key = folder / (project + ".key")
    if document["do"] == "request":
        return {"csr": request(key, document)}
    place(folder / (project + ".pem"), key, document)
    return {"csr": ""}


def request(key: Path, document: dict[str, Any]) -> str:
    fresh = key
    if document["fresh"] or not key.exists():
        fresh = key.with_name(key.name + ".new")
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", str(fresh))
        with fresh.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(fresh, key)
    # A common name has 64 characters at most (RFC 5280); the host is in the alternative names, where it counts.
    subject = f"/CN={document['host'][:64]}/O={document['organisation']}"
    names = f"subjectAltName=DNS:{document['host']}"
    return openssl("req", "-new", "-sha256", "-key", str(key), "-subj", subject, "-addext", names)


def place(target: Path, key: Path, document: dict[str, Any]) -> None:
    chain, given = document["certificate"], document["key"]
    if not given and not key.exists():
        raise Refused("credential", "the server has no key for this certificate", "Have a new certificate made.")
    private = given or key.read_text()
    if openssl("x509", "-noout", "-pubkey", given=chain) != openssl("pkey", "-pubout", given=private):
        raise Refused("credential", "the certificate is not for the key that the server has", "Have a new one made.")
    fresh = target.with_name("." + target.name + ".new")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(chain.strip() + "\n" + private.strip() + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, target)
    if given:
        key.unlink(missing_ok=True)


def openssl(*words: str, given: str = "") -> str:
    """Keys go in on standard input: the words can be seen by everybody on the server."""
    try:
        done = subprocess.run(("openssl", *words), check=False, input=given.encode(), capture_output=True, timeout=60)
    except FileNotFoundError:
        raise Refused("failed", "the server has no `openssl`", "apt-get install openssl") from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise Refused("failed", f"openssl {words[0]} failed: {said[0] if said else 'it says nothing'}")
    return done.stdout.decode()
