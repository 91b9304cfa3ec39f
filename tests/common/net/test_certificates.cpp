#include "tests/common/net/test_certificates.hpp"

#include <cstdio>
#include <memory>
#include <stdexcept>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

namespace test {
namespace {

template <class T>
T* must(T* pointer) {
    if (!pointer) throw std::runtime_error("OpenSSL failed in a test's certificate");
    return pointer;
}

void add_extension(X509* certificate, int id, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* const extension = must(X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str()));
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

}  // namespace

test_certificate::test_certificate(const certificate_request& request) {
    std::string name = (std::filesystem::temp_directory_path() / "codez-net-test-XXXXXX").string();
    directory_ = must(::mkdtemp(name.data()));

    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(must(EVP_EC_gen("P-256")), EVP_PKEY_free);
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(must(X509_new()), X509_free);
    X509_set_version(certificate.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
    X509_set_pubkey(certificate.get(), key.get());
    X509_NAME* const subject = X509_get_subject_name(certificate.get());
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(request.common_name.c_str()), -1, -1, 0);
    X509_set_issuer_name(certificate.get(), subject);
    add_extension(certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
    add_extension(certificate.get(), NID_subject_alt_name, request.alternative_names);
    X509_sign(certificate.get(), key.get(), EVP_sha256());

    std::FILE* file = must(std::fopen(certificate_file().c_str(), "w"));
    PEM_write_X509(file, certificate.get());
    std::fclose(file);
    file = must(std::fopen(key_file().c_str(), "w"));
    PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(file);
}

test_certificate::~test_certificate() {
    std::error_code ignored;  // what cannot be removed stays in the temporary directory
    std::filesystem::remove_all(directory_, ignored);
}

void test_certificate::replace_by(const test_certificate& other) const {
    constexpr auto overwrite = std::filesystem::copy_options::overwrite_existing;
    std::filesystem::copy_file(other.certificate_file(), certificate_file(), overwrite);
    std::filesystem::copy_file(other.key_file(), key_file(), overwrite);
}

}  // namespace test
