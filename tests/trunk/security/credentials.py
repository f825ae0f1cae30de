"""Folders of certificates, keys and tokens, and the settings that name them."""


def folder_of(files, folder):
    """Write files into a folder and give the folder."""
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def own(folder, role):
    """Return the settings of a side that presents its certificate."""
    return {"tls_certificate": folder / f"{role}.pem", "tls_key": folder / f"{role}.key"}


def authority(folder):
    """Return the settings of a side that trusts the folder's authority."""
    return {"tls_ca": folder / "ca.pem"}


def token(folder):
    """Return the settings of a side that has the folder's token."""
    return {"token_file": folder / "token"}


def secret(folder):
    """Read the token itself."""
    return (folder / "token").read_text().strip()
