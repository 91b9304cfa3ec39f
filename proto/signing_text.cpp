// The parts of messages.hpp that are no JSON: what is signed, the close reason, the judgement of the link counter.
#include <algorithm>
#include <cassert>
#include <initializer_list>

#include "proto/limits.hpp"
#include "proto/messages.hpp"

namespace proto {
namespace {

// `purpose` ends in a NUL, so that no purpose is the beginning of another.
std::string signing_text(std::string_view purpose, std::initializer_list<std::string_view> fields) {
    std::string text(purpose);
    text.push_back('\0');
    for (const auto field : fields) {
        assert(field.size() <= 0xFFFF);
        text.push_back(static_cast<char>(field.size() >> 8 & 0xFF));
        text.push_back(static_cast<char>(field.size() & 0xFF));
        text.append(field);
    }
    return text;
}

std::string link_signing_text(std::string_view purpose, const link_proof& p) {
    std::string counter;
    for (int shift = 56; shift >= 0; shift -= 8) counter.push_back(static_cast<char>(p.link_counter >> shift & 0xFF));
    // Where TLS ends in a proxy, zeros stand for the keying material and the flag says so, under the signature.
    const bool exporter = !p.tls_exporter.empty();
    const std::string material = exporter ? p.tls_exporter : std::string(limits::tls_exporter_bytes, '\0');
    const std::string flag(1, exporter ? '\1' : '\0');
    return signing_text(
        purpose, {p.machine_id, p.kid, p.hub_origin, p.agent_nonce, p.hub_nonce, p.boot_id, counter, flag, material});
}

}  // namespace

std::string agent_signing_text(const link_proof& proof) { return link_signing_text("codez-link-v1", proof); }

std::string hub_signing_text(const link_proof& proof) { return link_signing_text("codez-hub-v1", proof); }

std::string enroll_signing_text(std::string_view hub_origin, std::string_view nonce, std::string_view public_key) {
    return signing_text("codez-enroll-v1", {hub_origin, nonce, public_key});
}

std::string close_reason(std::string_view reason) {
    std::size_t end = std::min(reason.size(), limits::link_close_reason_bytes_max);
    while (end > 0 && end < reason.size() && (static_cast<unsigned char>(reason[end]) & 0xC0) == 0x80) --end;
    return std::string(reason.substr(0, end));
}

counter_verdict judge_counter(std::uint64_t presented, std::uint64_t stored, bool given_to_live_link) {
    if (presented > stored) return counter_verdict::hub_restored;
    if (presented == stored) return counter_verdict::current;
    if (presented + 1 == stored && !given_to_live_link) return counter_verdict::welcome_lost;
    return counter_verdict::conflict;
}

}  // namespace proto
