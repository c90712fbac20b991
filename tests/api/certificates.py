"""Certificates of all kinds: the good ones by `vbs ca`, the bad ones by openssl."""
import subprocess


class Certificates:
    def __init__(self, vbs, home):
        self.vbs, self.home = vbs, home
        self.ca, self.other_ca = home / "ca", home / "other-ca"
        for directory, name in ((self.ca, "API test CA"), (self.other_ca, "Some other CA")):
            self._vbs("init", "--dir", directory, "--name", name)

    def _vbs(self, *arguments):
        subprocess.run([self.vbs, "ca", *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)

    def sign(self, name, kind="user", ca=None, subject=None):
        """Returns the prefix of NAME-cert.pem and NAME-key.pem."""
        out = self.home / name
        extra = () if kind == "user" else ("--name", "localhost", "--ip", "127.0.0.1")
        self._vbs(
            "sign",
            "--dir",
            ca or self.ca,
            "--kind",
            kind,
            "--subject",
            subject or f"CN={name},O=VBS",
            *extra,
            "--out",
            out,
        )
        return out

    def expired(self, name):
        """Signed by our CA, for a user, and over since 2020."""
        out, work = self.home / name, self.home / "openssl"
        work.mkdir(exist_ok=True)
        (work / "index").write_text("")
        config = work / "ca.cnf"
        config.write_text(
            f"""[ca]
default_ca = d
[d]
database = {work}/index
new_certs_dir = {work}
certificate = {self.ca}/ca.pem
private_key = {self.ca}/ca-key.pem
rand_serial = yes
default_md = sha256
policy = p
x509_extensions = x
[p]
commonName = supplied
organizationName = optional
[x]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
subjectAltName = URI:vbs:user
[req]
distinguished_name = n
[n]
"""
        )
        self._openssl(
            "req",
            "-new",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-config",
            config,
            "-subj",
            f"/O=VBS/CN={name}",
            "-keyout",
            f"{out}-key.pem",
            "-out",
            work / "request.pem",
        )
        self._openssl(
            "ca",
            "-batch",
            "-notext",
            "-config",
            config,
            "-startdate",
            "20200101000000Z",
            "-enddate",
            "20200201000000Z",
            "-in",
            work / "request.pem",
            "-out",
            f"{out}-cert.pem",
        )
        return out

    @staticmethod
    def _openssl(*arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
