#include "core/identity/enrollment.hpp"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <sstream>

#include "core/base/durable_file.hpp"
#include "core/base/error.hpp"
#include "core/identity/certificate_info.hpp"
#include "core/identity/pem_file.hpp"

namespace vbs {
namespace {
constexpr size_t kSecretBytes = 32, kHexDigest = 64;

template <size_t N>
std::string hex(const std::array<unsigned char, N>& bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const auto b : bytes) out.append({kDigits[b >> 4], kDigits[b & 15]});
  return out;
}

bool is_hex(std::string_view text) {
  return text.size() == kHexDigest &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

[[noreturn]] void refuse() {
  throw Error(Code::unauthenticated,
              "the token is not valid: it is good for an hour and for one use; `vbs delegates enroll` makes another");
}
}  // namespace

EnrollmentToken parse_enrollment_token(std::string_view text) {
  const auto dot = text.find('.');
  if (dot == std::string_view::npos || !is_hex(text.substr(0, dot)) || !is_hex(text.substr(dot + 1)))
    throw Error(Code::invalid, "the token is not whole: copy all of what `vbs delegates enroll` has printed", "token");
  return {std::string(text.substr(0, dot)), std::string(text.substr(dot + 1))};
}

std::string Enrollments::file_of(std::string_view secret) const {
  std::array<unsigned char, 32> digest{};
  if (EVP_Digest(secret.data(), secret.size(), digest.data(), nullptr, EVP_sha256(), nullptr) != 1)
    throw Error(Code::internal, "OpenSSL cannot hash");
  return directory_ + "/" + hex(digest);
}

EnrollmentToken Enrollments::issue(const std::string& delegate, std::string_view certificate_pem,
                                   int64_t now_us) const {
  std::array<unsigned char, kSecretBytes> random{};
  if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1)
    throw Error(Code::internal, "OpenSSL has no random numbers");
  EnrollmentToken token{hex(random), describe_certificate(certificate_pem).fingerprint};
  std::error_code error;
  std::filesystem::create_directories(directory_, error);
  if (!error) std::filesystem::permissions(directory_, std::filesystem::perms::owner_all, error);
  if (error) throw Error(Code::unavailable, "cannot make " + directory_ + ": " + error.message());
  write_file_atomically(file_of(token.secret), std::to_string(now_us + kEnrollmentUs) + " " + delegate, 0600,
                        IfExists::refuse);
  return token;
}

std::string Enrollments::redeem(std::string_view secret, int64_t now_us) const {
  if (!is_hex(secret)) refuse();
  const auto file = file_of(secret);
  std::string content;
  try {
    content = read_small_file(file);
  } catch (const Error&) {
    refuse();
  }
  // Who removes the name has the token; of two at once one does.
  if (unlink(file.c_str()) != 0) {
    if (errno == ENOENT) refuse();
    throw Error(Code::unavailable, "cannot remove " + file + ": " + std::strerror(errno));
  }
  std::istringstream in(content);
  int64_t expires = 0;
  std::string name;
  in >> expires;
  in.get();
  std::getline(in, name);
  if (name.empty() || now_us > expires) refuse();
  return name;
}

}  // namespace vbs
