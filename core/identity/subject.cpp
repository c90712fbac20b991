#include "core/identity/subject.hpp"

#include <fmt/format.h>
#include <openssl/objects.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "core/base/log.hpp"

namespace vbs {
namespace {

struct Type {
  const char* name;
  int nid;
};
constexpr std::array<Type, 11> kTypes{{{"CN", NID_commonName},
                                       {"L", NID_localityName},
                                       {"ST", NID_stateOrProvinceName},
                                       {"O", NID_organizationName},
                                       {"OU", NID_organizationalUnitName},
                                       {"C", NID_countryName},
                                       {"STREET", NID_streetAddress},
                                       {"DC", NID_domainComponent},
                                       {"UID", NID_userId},
                                       {"serialNumber", NID_serialNumber},
                                       {"emailAddress", NID_pkcs9_emailAddress}}};

[[noreturn]] void bad(std::string_view text, const std::string& why) {
  throw Error(Code::invalid,
              fmt::format("subject '{}' {}; write it like CN=alice,O=VBS (RFC 4514)", for_log(text, 128), why),
              "subject");
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}
int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// One attribute as it stands between parsing and either output.
struct Part {
  ObjectPtr type;
  std::string value;  // UTF-8, or DER when `raw`
  bool raw = false;
  bool joined = false;  // '+': in the same RDN as the part before
};

const char* table_name(const ASN1_OBJECT* type) {
  const int nid = OBJ_obj2nid(type);
  for (const auto& t : kTypes)
    if (t.nid == nid && nid != NID_undef) return t.name;
  return nullptr;
}

void check_value(std::string_view whole, std::string_view value) {
  if (value.empty()) bad(whole, "has an empty value");
  if (value.size() > kMaxSubjectValueBytes)
    bad(whole, fmt::format("has a value of {} bytes; the limit is {}", value.size(), kMaxSubjectValueBytes));
  for (size_t i = 0; i < value.size(); ++i) {
    const auto c = static_cast<unsigned char>(value[i]);
    const bool c1 = c == 0xc2 && i + 1 < value.size() && static_cast<unsigned char>(value[i + 1]) < 0xa0;
    if (c < 0x20 || c == 0x7f || c1) bad(whole, "contains a control character");
  }
}

std::string to_utf8(std::string_view whole, const ASN1_STRING* s) {
  unsigned char* out = nullptr;
  const int n = ASN1_STRING_to_UTF8(&out, s);
  if (n < 0) {
    ERR_clear_error();
    bad(whole, "has a value that is not valid text");
  }
  std::string text(reinterpret_cast<char*>(out), static_cast<size_t>(n));
  OPENSSL_free(out);
  return text;
}

// A value given as "#" and hexadecimal DER. Of a known type it must be a text and is shown as one; of any other type it
// stays what it is.
std::string decode_der(std::string_view whole, const std::string& der, bool known) {
  const auto* begin = reinterpret_cast<const unsigned char*>(der.data());
  const auto* p = begin;
  std::unique_ptr<ASN1_TYPE, OpensslFree<ASN1_TYPE_free>> value(
      d2i_ASN1_TYPE(nullptr, &p, static_cast<long>(der.size())));
  ERR_clear_error();
  if (!value || p != begin + der.size()) bad(whole, "has a '#' value that is not DER");
  if (!known) return der;
  const unsigned long texts = B_ASN1_DIRECTORYSTRING | B_ASN1_IA5STRING;
  if (!(ASN1_tag2bit(ASN1_TYPE_get(value.get())) & texts)) bad(whole, "has a '#' value that is not a text");
  return to_utf8(whole, value->value.asn1_string);
}

std::string encode_der(const ASN1_STRING* s) {
  ASN1_TYPE value{};
  value.type = ASN1_STRING_type(s);
  value.value.asn1_string = const_cast<ASN1_STRING*>(s);
  unsigned char* out = nullptr;
  const int n = i2d_ASN1_TYPE(&value, &out);
  openssl_check(n > 0, "encoding a subject's value");
  std::string der(reinterpret_cast<char*>(out), static_cast<size_t>(n));
  OPENSSL_free(out);
  return der;
}

std::string escape(std::string_view value) {
  std::string out;
  for (size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    const bool edge_space = c == ' ' && (i == 0 || i + 1 == value.size());
    if (edge_space || (c == '#' && i == 0) || std::string_view(",+\"\\<>;").find(c) != std::string_view::npos)
      out += '\\';
    out += c;
  }
  return out;
}

std::string print_part(std::string_view whole, const Part& part) {
  if (const char* name = table_name(part.type.get())) {
    check_value(whole, part.value);
    return std::string(name) + "=" + escape(part.value);
  }
  std::array<char, 128> oid{};
  OBJ_obj2txt(oid.data(), oid.size(), part.type.get(), 1);
  std::string out = std::string(oid.data()) + "=#";
  for (const char c : part.value) out += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return out;
}

// Parts in the order of the text: most specific first.
std::string print(std::string_view whole, const std::vector<Part>& parts) {
  if (parts.empty()) bad(whole, "is empty");
  if (parts.size() > kMaxSubjectParts)
    bad(whole, fmt::format("has {} parts; the limit is {}", parts.size(), kMaxSubjectParts));
  std::string out;
  for (size_t i = 0; i < parts.size();) {
    std::vector<std::string> rdn;
    do rdn.push_back(print_part(whole, parts[i++]));
    while (i < parts.size() && parts[i].joined);
    std::sort(rdn.begin(), rdn.end());
    if (!out.empty()) out += ',';
    out += fmt::format("{}", fmt::join(rdn, "+"));
  }
  if (out.size() > kMaxSubjectBytes)
    bad(whole, fmt::format("has {} bytes; the limit is {}", out.size(), kMaxSubjectBytes));
  return out;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  std::vector<Part> parse() {
    if (text_.size() > 4 * kMaxSubjectBytes) bad(text_.substr(0, 64), "is too long");
    if (!text_.empty() && text_[0] == '/') bad(text_, "begins with a slash");
    std::vector<Part> parts;
    bool joined = false;
    for (;;) {
      parts.push_back(parse_part());
      parts.back().joined = joined;
      if (at_ == text_.size()) return parts;
      joined = text_[at_++] == '+';
    }
  }

 private:
  void skip_spaces() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }

  Part parse_part() {
    skip_spaces();
    const size_t equals = text_.find('=', at_);
    if (equals == std::string_view::npos) bad(text_, fmt::format("has no '=' after byte {}", at_));
    std::string type(text_.substr(at_, equals - at_));
    while (!type.empty() && type.back() == ' ') type.pop_back();
    at_ = equals + 1;
    Part part;
    part.type = parse_type(type);
    skip_spaces();
    const bool known = table_name(part.type.get()) != nullptr;
    if (at_ < text_.size() && text_[at_] == '#') {
      part.value = decode_der(text_, parse_hex(), known);
    } else {
      part.value = parse_text();
      check_value(text_, part.value);
      if (!known) part.value = encode_utf8(part.value);
    }
    part.raw = !known;
    return part;
  }

  ObjectPtr parse_type(const std::string& type) {
    for (const auto& t : kTypes)
      if (same_word(t.name, type)) return ObjectPtr(OBJ_dup(OBJ_nid2obj(t.nid)));
    ObjectPtr object(type.empty() || type.size() > 64 ? nullptr : OBJ_txt2obj(type.c_str(), 0));
    ERR_clear_error();
    if (!object) bad(text_, fmt::format("has the unknown attribute '{}'", for_log(type, 64)));
    return object;
  }

  static std::string encode_utf8(const std::string& value) {
    std::unique_ptr<ASN1_STRING, OpensslFree<ASN1_STRING_free>> s(ASN1_STRING_type_new(V_ASN1_UTF8STRING));
    openssl_check(s && ASN1_STRING_set(s.get(), value.data(), static_cast<int>(value.size())), "encoding a subject");
    return encode_der(s.get());
  }

  bool at_end_of_part() const {
    return at_ == text_.size() || text_[at_] == ',' || text_[at_] == '+' || text_[at_] == ';';
  }

  std::optional<char> hex_pair() {
    if (at_ + 1 >= text_.size()) return std::nullopt;
    const int high = hex_digit(text_[at_]), low = hex_digit(text_[at_ + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    at_ += 2;
    return static_cast<char>(high * 16 + low);
  }

  std::string parse_hex() {
    ++at_;
    std::string out;
    while (auto byte = hex_pair()) out += *byte;
    skip_spaces();
    if (out.empty() || !at_end_of_part()) bad(text_, "has a '#' value that is not pairs of hexadecimal digits");
    return out;
  }

  std::string parse_text() {
    std::string out;
    size_t keep = 0;  // unescaped spaces after this length belong to the separator
    while (!at_end_of_part()) {
      char c = text_[at_];
      const bool escaped = c == '\\';
      if (escaped) {
        ++at_;
        if (auto byte = hex_pair()) {
          c = *byte;
        } else if (at_ < text_.size() && std::string_view(" \"#+,;<=>\\").find(text_[at_]) != std::string_view::npos) {
          c = text_[at_++];
        } else {
          bad(text_, fmt::format("has a '\\' before byte {} that escapes nothing", at_));
        }
      } else {
        if (c == '"' || c == '<' || c == '>') bad(text_, fmt::format("needs a '\\' before '{}'", c));
        ++at_;
      }
      out += c;
      if (escaped || c != ' ') keep = out.size();
    }
    out.resize(keep);
    return out;
  }

  std::string_view text_;
  size_t at_ = 0;
};

std::string check_utf8(std::string_view whole, const std::string& canonical) {
  std::unique_ptr<ASN1_STRING, OpensslFree<ASN1_STRING_free>> s(ASN1_STRING_type_new(V_ASN1_UTF8STRING));
  openssl_check(s && ASN1_STRING_set(s.get(), canonical.data(), static_cast<int>(canonical.size())),
                "checking a subject");
  to_utf8(whole, s.get());
  return canonical;
}
}  // namespace

std::string canonical_subject(const X509_NAME* name) {
  const std::string_view whole = "(of a certificate)";
  const int count = name ? X509_NAME_entry_count(name) : 0;
  std::vector<Part> parts;
  for (int i = count - 1; i >= 0; --i) {
    const X509_NAME_ENTRY* entry = X509_NAME_get_entry(name, i);
    Part part;
    part.type.reset(OBJ_dup(X509_NAME_ENTRY_get_object(entry)));
    const ASN1_STRING* data = X509_NAME_ENTRY_get_data(entry);
    part.raw = table_name(part.type.get()) == nullptr;
    part.value = part.raw ? encode_der(data) : to_utf8(whole, data);
    part.joined = i + 1 < count && X509_NAME_ENTRY_set(X509_NAME_get_entry(name, i + 1)) == X509_NAME_ENTRY_set(entry);
    parts.push_back(std::move(part));
  }
  return print(whole, parts);
}

std::string canonical_subject(std::string_view text) { return check_utf8(text, print(text, Parser(text).parse())); }

NamePtr make_name(std::string_view text) {
  const std::string canonical = canonical_subject(text);
  auto parts = Parser(canonical).parse();
  NamePtr name(X509_NAME_new());
  openssl_check(name != nullptr, "making a name");
  // MBSTRING_UTF8 has OpenSSL choose each attribute's string type and check its length (RFC 5280, appendix A).
  // X.501 order is the reverse of the text's. OpenSSL joins an entry to the RDN before it with set = -1.
  for (size_t i = parts.size(); i-- > 0;) {
    const Part& part = parts[i];
    if (part.raw) bad(text, "has an attribute that VBS does not sign; use CN, O, OU, L, ST, C, DC, UID");
    const bool join = i + 1 < parts.size() && parts[i + 1].joined;
    const int nid = OBJ_obj2nid(part.type.get());
    const auto* bytes = reinterpret_cast<const unsigned char*>(part.value.data());
    if (!X509_NAME_add_entry_by_NID(name.get(), nid, MBSTRING_UTF8, bytes, static_cast<int>(part.value.size()), -1,
                                    join ? -1 : 0)) {
      bad(text, fmt::format("has a value that '{}' cannot hold ({})", table_name(part.type.get()), openssl_reason()));
    }
  }
  // What was signed must read back as what was asked for.
  if (canonical_subject(name.get()) != canonical) bad(text, "does not survive encoding");
  return name;
}
}  // namespace vbs
