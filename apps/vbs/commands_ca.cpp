#include <fmt/format.h>

#include <filesystem>

#include "apps/vbs/commands.hpp"
#include "apps/vbs/json_fields.hpp"
#include "apps/vbs/table.hpp"
#include "core/identity/certificate_authority.hpp"
#include "core/identity/certificate_info.hpp"
#include "core/identity/pem_file.hpp"

namespace vbs::cli {
namespace {
namespace fs = std::filesystem;

IfExists policy(bool force) { return force ? IfExists::replace : IfExists::refuse; }

// Asked before the first of several files is written, so that a refusal leaves nothing half done.
void refuse_existing(const std::vector<fs::path>& files, bool force) {
  for (const auto& file : files)
    if (!force && fs::exists(fs::symlink_status(file)))
      throw Failure(Exit::conflict, file.string() + " exists already and is not overwritten",
                    "choose another place, or give --force");
}

void make_directory(const fs::path& directory) {
  if (directory.empty() || fs::is_directory(directory)) return;
  std::error_code error;
  fs::create_directories(directory, error);
  if (!error) fs::permissions(directory, fs::perms::owner_all, error);
  if (error) throw Failure(Exit::failed, fmt::format("cannot make {}: {}", directory.string(), error.message()));
}

struct RequestOptions {
  std::string subject, out;
  bool force = false;
};

void request(Context& context, const RequestOptions& options) {
  const auto made = make_request(options.subject);
  const fs::path directory = options.out, key = directory / "key.pem", csr = directory / "request.pem";
  make_directory(directory);
  refuse_existing({key, csr}, options.force);
  write_file_atomically(key, made.key_pem, 0600, policy(options.force));
  write_file_atomically(csr, made.request_pem, 0644, policy(options.force));
  context.console.out << fmt::format(
      "wrote {} (keep it secret) and {}\nhave it signed: vbs ca sign --dir CA-DIR --kind user --csr {} --out PREFIX\n",
      key.string(), csr.string(), csr.string());
}

struct SignOptions {
  std::string dir, kind, csr, subject, out;
  std::vector<std::string> names, addresses;
  int days = 90;
  bool force = false;
};

// PREFIX "alice" gives alice-cert.pem ...; a directory (or "DIR/") gives DIR/cert.pem ..., the names that vbs looks
// for.
fs::path output(const std::string& prefix, const char* what) {
  if (prefix.back() == '/' || fs::is_directory(prefix)) return fs::path(prefix) / fmt::format("{}.pem", what);
  return fmt::format("{}-{}.pem", prefix, what);
}

bool same_content(const fs::path& file, const std::string& content) {
  return fs::exists(file) && read_small_file(file) == content;
}

void sign(Context& context, const SignOptions& options) {
  if (options.csr.empty() && options.subject.empty())
    throw Failure(Exit::usage, "nothing to sign", "give --csr FILE, or --subject CN=alice,O=VBS to make a key, too");
  if (options.out.empty()) throw Failure(Exit::usage, "--out is empty", "give a prefix, or a directory");
  const CertificateAuthority ca(options.dir);
  const CertificateOrder order{.kind = certificate_kind_from_string(options.kind),
                               .subject = options.subject,
                               .dns_names = options.names,
                               .ip_addresses = options.addresses,
                               .days = options.days};
  const fs::path certificate = output(options.out, "cert"), key = output(options.out, "key"),
                 authority = output(options.out, "ca");
  const bool with_key = options.csr.empty();
  const bool with_authority = !same_content(authority, ca.certificate_pem());
  std::vector<fs::path> files{certificate};
  if (with_key) files.push_back(key);
  if (with_authority) files.push_back(authority);
  make_directory(certificate.parent_path());
  refuse_existing(files, options.force);
  const KeyAndCertificate made =
      with_key ? ca.issue(order) : KeyAndCertificate{{}, ca.sign(read_small_file(options.csr), order)};
  if (with_key) write_file_atomically(key, made.key_pem, 0600, policy(options.force));
  if (with_authority) write_file_atomically(authority, ca.certificate_pem(), 0644, policy(options.force));
  write_file_atomically(certificate, made.certificate_pem, 0644, policy(options.force));
  const auto info = describe_certificate(made.certificate_pem);
  context.console.out << fmt::format("signed {} '{}', valid until {}\n", options.kind, info.subject, info.not_after);
  for (const auto& file : files) context.console.out << "wrote " << file.string() << '\n';
}

void show(Context& context, const std::string& file) {
  const auto info = describe_certificate(read_small_file(file));
  std::string kind = info.request ? "signing request" : info.authority ? "certificate authority" : "none of VBS";
  if (info.role && !info.authority)
    kind = info.role->name.empty() ? std::string(to_string(info.role->kind))
                                   : fmt::format("{} {}", to_string(info.role->kind), info.role->name);
  Details details;
  details.add("kind", kind);
  details.add("subject", info.subject);
  details.add("issuer", info.issuer);
  details.add("serial", info.serial);
  details.add("valid from", info.not_before);
  details.add("valid until", info.not_after + (info.expired ? " (EXPIRED)" : ""));
  details.add("usages", join(info.usages, ", "));
  details.add("names", join(info.names, ", "));
  details.add("key", info.key);
  details.add("sha256", info.fingerprint);
  details.print(context.console.out);
}
}  // namespace

void add_ca_commands(CLI::App& app, Context& context) {
  auto* group = add_command(app, context, "ca", "A small local certificate authority; needs no service",
                            "vbs ca init --dir /etc/vbs/ca\nvbs ca sign --dir /etc/vbs/ca --kind server --subject "
                            "CN=vbsd --name localhost --ip 127.0.0.1 --out /etc/vbs/vbsd\n"
                            "vbs ca sign --dir /etc/vbs/ca --kind user --subject CN=alice,O=VBS --out ~/.config/vbs/",
                            [](Context&) {});
  group->require_subcommand(1);

  struct InitOptions {
    std::string dir, name = "VBS CA";
    bool force = false;
  };
  auto init = std::make_shared<InitOptions>();
  auto* command = add_command(*group, context, "init", "Make a CA: ca.pem and ca-key.pem in a private directory",
                              "vbs ca init --dir /etc/vbs/ca --name 'Site CA'", [init](Context& c) {
                                CertificateAuthority::init(init->dir, init->name, policy(init->force));
                                c.console.out << fmt::format(
                                    "made the CA '{}' in {}; ca.pem is for everybody, ca-key.pem for nobody else\n",
                                    init->name, init->dir);
                              });
  command->add_option("--dir", init->dir, "the CA's directory, made with mode 0700")->required();
  command->add_option("--name", init->name, "the CA's common name")->capture_default_str();
  command->add_flag("--force", init->force, "replace a CA that is there; what it has signed is then worthless");

  auto asked = std::make_shared<RequestOptions>();
  command = add_command(*group, context, "request", "Make a key and a signing request, where the key will be used",
                        "vbs ca request --subject CN=alice,O=VBS --out ~/.config/vbs",
                        [asked](Context& c) { request(c, *asked); });
  command->add_option("--subject", asked->subject, "who it is for, such as CN=alice,O=VBS")->required();
  command->add_option("--out", asked->out, "directory for key.pem and request.pem")->required();
  command->add_flag("--force", asked->force, "replace files that are there");

  auto signs = std::make_shared<SignOptions>();
  command = add_command(*group, context, "sign", "Sign a request, or make a key and its certificate",
                        "vbs ca sign --dir CA --kind user --csr request.pem --out alice\nvbs ca sign --dir CA --kind "
                        "server --subject CN=vbsd --name localhost --ip 127.0.0.1 --out /etc/vbs/",
                        [signs](Context& c) { sign(c, *signs); });
  command->add_option("--dir", signs->dir, "the CA's directory")->required();
  command->add_option("--kind", signs->kind, "what it is for: no kind passes for another")
      ->required()
      ->check(CLI::IsMember({"user", "server", "delegate"}));
  auto* csr = command->add_option("--csr", signs->csr, "signing request; the subject is its own");
  command->add_option("--subject", signs->subject, "make a key, too, for this subject")->excludes(csr);
  command->add_option("--name", signs->names, "DNS name of a server or delegate; may be repeated")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command->add_option("--ip", signs->addresses, "IP address of a server or delegate; may be repeated")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command
      ->add_option("--out", signs->out,
                   "PREFIX for PREFIX-cert.pem, -key.pem, -ca.pem; a directory for cert.pem, key.pem, ca.pem in it")
      ->required();
  command->add_option("--days", signs->days, "how long it is valid")
      ->check(CLI::Range(1, kMaxCertificateDays))
      ->capture_default_str();
  command->add_flag("--force", signs->force, "replace files that are there");

  auto file = std::make_shared<std::string>();
  add_command(*group, context, "show", "What a certificate or signing request says",
              "vbs ca show ~/.config/vbs/cert.pem", [file](Context& c) { show(c, *file); })
      ->add_option("FILE", *file, "PEM file")
      ->required();
}

}  // namespace vbs::cli
