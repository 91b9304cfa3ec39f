#include "common/net/tls_context.hpp"

#include <fstream>

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "tests/common/net/test_certificates.hpp"

namespace {
using namespace common::net;
using test::test_certificate;

std::string subject_of(const ssl_context_ptr& context) {
    char name[256] = {};
    X509_NAME_oneline(X509_get_subject_name(SSL_CTX_get0_certificate(context.get())), name, sizeof name);
    return name;
}

void write_file(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

TEST(tls_context, reload_takes_the_new_certificate_for_new_connections_only) {
    const test_certificate files({.common_name = "first"});
    const test_certificate renewed({.common_name = "second"});
    const auto context = server_tls_context::load(files.certificate_file(), files.key_file());
    ASSERT_TRUE(context) << context.error().message;
    const auto in_use = (*context)->current();
    files.replace_by(renewed);
    EXPECT_EQ(subject_of((*context)->current()), "/CN=first");
    ASSERT_TRUE((*context)->reload());
    EXPECT_EQ(subject_of((*context)->current()), "/CN=second");
    EXPECT_EQ(subject_of(in_use), "/CN=first");
}

TEST(tls_context, a_bad_file_keeps_the_old_certificate_and_says_why) {
    const test_certificate files({.common_name = "first"});
    const test_certificate other;
    const auto context = server_tls_context::load(files.certificate_file(), files.key_file());
    ASSERT_TRUE(context);

    std::filesystem::copy_file(other.key_file(), files.key_file(), std::filesystem::copy_options::overwrite_existing);
    auto mismatch = (*context)->reload();
    ASSERT_FALSE(mismatch);
    EXPECT_NE(mismatch.error().message.find(files.key_file()), std::string::npos) << mismatch.error().message;

    write_file(files.certificate_file(), "-----BEGIN CERTIFICATE-----\nhalf of");
    auto cut = (*context)->reload();
    ASSERT_FALSE(cut);
    EXPECT_NE(cut.error().message.find(files.certificate_file()), std::string::npos) << cut.error().message;

    std::filesystem::remove(files.certificate_file());
    EXPECT_FALSE((*context)->reload());
    EXPECT_EQ(subject_of((*context)->current()), "/CN=first");
}

TEST(tls_context, allows_neither_old_versions_nor_renegotiation) {
    const test_certificate files;
    const auto server = *server_tls_context::load(files.certificate_file(), files.key_file());
    for (const auto& context : {server->current(), *make_client_tls_context("")}) {
        EXPECT_EQ(SSL_CTX_get_min_proto_version(context.get()), TLS1_2_VERSION);
        EXPECT_TRUE(SSL_CTX_get_options(context.get()) & SSL_OP_NO_RENEGOTIATION);
    }
}

TEST(tls_context, needs_both_files_to_begin) {
    const test_certificate files;
    EXPECT_FALSE(server_tls_context::load("/nonexistent/cert.pem", files.key_file()));
    const auto no_key = server_tls_context::load(files.certificate_file(), "/nonexistent/key.pem");
    ASSERT_FALSE(no_key);
    EXPECT_NE(no_key.error().message.find("/nonexistent/key.pem"), std::string::npos) << no_key.error().message;
}

TEST(tls_context, an_unreadable_authority_is_an_error_not_a_weaker_check) {
    const test_certificate files;
    EXPECT_TRUE(make_client_tls_context(files.certificate_file()));
    const auto missing = make_client_tls_context("/nonexistent/ca.pem");
    ASSERT_FALSE(missing);
    EXPECT_NE(missing.error().message.find("/nonexistent/ca.pem"), std::string::npos) << missing.error().message;
    const std::string empty = files.key_file() + ".empty";
    write_file(empty, "");
    EXPECT_FALSE(make_client_tls_context(empty));
}

}  // namespace
