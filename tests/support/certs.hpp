// Certificates made on the fly for tests: a CA, what it signs, and the wrong ones that must be refused. PEM files in a
// directory that goes with the Certs object. EC P-256 keys: made in under a millisecond. Failures throw.
#pragma once
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace vbs::test {

struct PemFiles {
  std::string cert, key;  // paths
};

struct CertSpec {
  std::vector<std::pair<std::string, std::string>> subject;  // {{"O", "Example"}, {"CN", "alice"}}: as encoded, CN last
  std::string alt_names;                                     // OpenSSL's words: "DNS:localhost,IP:127.0.0.1,URI:x:y"
  std::string extended_usage;                                // "serverAuth", "clientAuth", or empty: not limited
  std::chrono::seconds from{-3600}, until{24 * 3600};        // relative to now
};

class Ca {
 public:
  Ca(const std::filesystem::path& directory, const std::string& name);
  ~Ca();
  Ca(const Ca&) = delete;
  Ca& operator=(const Ca&) = delete;
  const std::string& file() const { return file_; }  // its certificate, PEM
  PemFiles sign(const std::string& file_name, const CertSpec& spec);
  PemFiles server(const std::string& file_name = "server");                    // for localhost, 127.0.0.1 and ::1
  PemFiles client(const std::string& common_name, const CertSpec& base = {});  // subject O=Test, CN=common_name

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  std::filesystem::path directory_;
  std::string file_;
};

class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace vbs::test
