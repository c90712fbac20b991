// Subjects of certificates as text. A user's key is (source, issuer, subject), and the subject is compared as text
// only; so there is exactly one text for a name, its canonical form:
//   - RFC 4514, most specific part first: "CN=alice,O=VBS" (never "/O=VBS/CN=alice");
//   - attribute names from the table in RFC 4514 section 3 (upper case) and serialNumber, emailAddress; any other type
//     is its dotted OID with the value's DER in hexadecimal ("1.2.840.1=#0c0161");
//   - values in UTF-8, only the characters escaped that must be (section 2.4); parts of one multi-valued RDN sorted;
//   - the case of values is kept and counts.
// Control characters (also the C1 range, and NUL: CVE-2009-2408) are refused, not escaped: no subject that could be
// shown as another one gets in. Functions are pure and may be used from any thread; they throw Error(invalid).
#pragma once
#include <openssl/types.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "core/identity/openssl_handles.hpp"

namespace vbs {

constexpr size_t kMaxSubjectBytes = 512;  // of the canonical text
constexpr size_t kMaxSubjectParts = 16;   // attributes
constexpr size_t kMaxSubjectValueBytes = 255;

// Of a certificate's or request's name.
std::string canonical_subject(const X509_NAME* name);
// Of text that a person or another program wrote: spaces around separators, lower-case types and hexadecimal escapes
// are understood.
std::string canonical_subject(std::string_view text);
// The X.509 name of such a text, for signing: values as UTF8String (C, serialNumber, DC, emailAddress as RFC 5280
// wants).
NamePtr make_name(std::string_view text);

}  // namespace vbs
