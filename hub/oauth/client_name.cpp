#include "hub/oauth/client_name.hpp"

#include "hub/oauth/limits.hpp"
#include "hub/oauth/redirect_uri.hpp"
#include "hub/tenancy/plain_text.hpp"

namespace hub::oauth {

namespace {

// The bytes of the UTF-8 character at the front, or 1 where there is none.
std::size_t length_at(std::string_view text) {
    const auto first = static_cast<unsigned char>(text.front());
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
    return length <= text.size() ? length : 1;
}

}  // namespace

std::string clean_client_name(std::string_view name, std::string_view redirect_uri) {
    std::string clean;
    while (!name.empty()) {
        const auto character = name.substr(0, length_at(name));
        name.remove_prefix(character.size());
        if (clean.size() + character.size() > limits::client_name_bytes_max) break;
        if (tenancy::is_plain_text(character, 4) && !(clean.empty() && character == " ")) clean += character;
    }
    while (clean.ends_with(' ')) clean.pop_back();
    return clean.empty() ? "An application without a name (" + destination_of(redirect_uri) + ")" : clean;
}

}  // namespace hub::oauth
