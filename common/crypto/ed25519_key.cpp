#include "common/crypto/ed25519_key.hpp"

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

namespace common::crypto {

namespace {

constexpr std::size_t pem_bytes_max = 4096;

using bio_ptr = std::unique_ptr<BIO, decltype(&BIO_free)>;
using context_ptr = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;
using key_ptr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

class descriptor {
public:
    explicit descriptor(int fd) : fd_(fd) {}
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
    ~descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    int get() const { return fd_; }

private:
    int fd_;
};

const unsigned char* bytes_of(std::string_view s) { return reinterpret_cast<const unsigned char*>(s.data()); }

std::unexpected<std::string> because(std::string what) {
    return std::unexpected(std::move(what) + ": " + std::strerror(errno) + ".");
}

bool write_all(int fd, std::string_view data) {
    while (!data.empty()) {
        const ssize_t n = ::write(fd, data.data(), data.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return false;
        data.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

// A new file's name is durable only when its directory is.
bool sync_directory(const std::filesystem::path& file) {
    const auto parent = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
    const descriptor dir(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return dir.get() >= 0 && ::fsync(dir.get()) == 0;
}

// Nobody is asked for a password: an encrypted file is refused.
int no_password(char*, int, int, void*) { return -1; }

}  // namespace

ed25519_key::ed25519_key(EVP_PKEY* key) : key_(key, &EVP_PKEY_free) {}

ed25519_key ed25519_key::generate() {
    EVP_PKEY* key = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
    if (key == nullptr) throw std::runtime_error("OpenSSL could not generate an Ed25519 key");
    return ed25519_key(key);
}

std::optional<ed25519_key> ed25519_key::from_pem(std::string_view pem) {
    if (pem.size() > pem_bytes_max) return std::nullopt;
    const bio_ptr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
    if (!bio) throw std::bad_alloc();
    key_ptr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, &no_password, nullptr), &EVP_PKEY_free);
    ERR_clear_error();
    if (!key || EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_ED25519) return std::nullopt;
    return ed25519_key(key.release());
}

std::expected<ed25519_key, std::string> ed25519_key::load(const std::filesystem::path& file) {
    const descriptor fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (fd.get() < 0) return because("The key file " + file.string() + " cannot be opened");
    struct stat info{};
    if (::fstat(fd.get(), &info) != 0) return because("The key file " + file.string() + " cannot be examined");
    if (!S_ISREG(info.st_mode)) return std::unexpected("The key file " + file.string() + " is not a plain file.");
    if ((info.st_mode & 077) != 0)
        return std::unexpected("The key file " + file.string() +
                               " can be read by others than its owner. Whoever read it can pose as this machine: make "
                               "a new key, or if you are sure that nobody did, run chmod 600 on it.");
    std::string pem(pem_bytes_max + 1, '\0');
    std::size_t length = 0;
    while (length < pem.size()) {
        const ssize_t n = ::read(fd.get(), pem.data() + length, pem.size() - length);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return because("The key file " + file.string() + " cannot be read");
        if (n == 0) break;
        length += static_cast<std::size_t>(n);
    }
    pem.resize(length);
    auto key = from_pem(pem);
    OPENSSL_cleanse(pem.data(), pem.size());
    if (!key)
        return std::unexpected("The file " + file.string() + " does not hold an Ed25519 private key in PEM form.");
    return std::move(*key);
}

std::expected<void, std::string> ed25519_key::save(const std::filesystem::path& file) const {
    const descriptor fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (fd.get() < 0) return because("The key file " + file.string() + " cannot be made");
    auto pem = to_pem();
    const bool written = write_all(fd.get(), pem) && ::fsync(fd.get()) == 0 && sync_directory(file);
    const int reason = errno;
    OPENSSL_cleanse(pem.data(), pem.size());
    if (written) return {};
    // Half a key would block the next attempt, which never overwrites.
    ::unlink(file.c_str());
    errno = reason;
    return because("The key file " + file.string() + " cannot be written");
}

std::string ed25519_key::to_pem() const {
    const bio_ptr bio(BIO_new(BIO_s_secmem()), &BIO_free);
    if (!bio || PEM_write_bio_PrivateKey(bio.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1)
        throw std::runtime_error("OpenSSL could not write a key as PEM");
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &data);
    return {data, static_cast<std::size_t>(size)};
}

std::string ed25519_key::public_key() const {
    std::string out(public_key_size, '\0');
    std::size_t size = out.size();
    if (EVP_PKEY_get_raw_public_key(key_.get(), reinterpret_cast<unsigned char*>(out.data()), &size) != 1 ||
        size != out.size())
        throw std::runtime_error("OpenSSL could not give an Ed25519 public key");
    return out;
}

std::string ed25519_key::sign(std::string_view message) const {
    const context_ptr context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
    std::string out(signature_size, '\0');
    std::size_t size = out.size();
    if (!context || EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get()) != 1 ||
        EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size, bytes_of(message),
                       message.size()) != 1)
        throw std::runtime_error("OpenSSL could not sign with an Ed25519 key");
    return out;
}

bool ed25519_key::verify(std::string_view public_key, std::string_view message, std::string_view signature) {
    if (public_key.size() != public_key_size || signature.size() != signature_size) return false;
    const key_ptr key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes_of(public_key), public_key.size()),
                      &EVP_PKEY_free);
    const context_ptr context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
    const bool good =
        key && context && EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
        EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(message), message.size()) == 1;
    // OpenSSL queues errors per thread, and a later TLS call would take them for its own.
    ERR_clear_error();
    return good;
}

}  // namespace common::crypto
