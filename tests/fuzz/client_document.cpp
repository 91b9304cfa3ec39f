// Documents of OAuth clients: what is taken is bounded, and leads a browser nowhere that it must not go.
#include "hub/oauth/client_document.hpp"
#include "hub/oauth/redirect_uri.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace fuzz {

void run(std::string_view input) {
    constexpr std::string_view id = "https://app.example/client.json";
    const auto taken = hub::oauth::parse_client_document(id, input);
    if (!taken) {
        require(!taken.error().empty());
        return;
    }
    require(taken->client_id == id && taken->client_host == "app.example");
    require(!taken->client_name.empty() && taken->client_name.size() <= 100);
    require(!taken->redirect_uris.empty() && taken->redirect_uris.size() <= 10);
    for (const auto& uri : taken->redirect_uris) {
        require(uri.size() <= 2048 && uri.find_first_of("\r\n\\# \"<>") == std::string::npos);
        require(!uri.starts_with("javascript:") && !uri.starts_with("data:") && !uri.starts_with("file:"));
    }
    require(taken->client_uri.empty() || taken->client_uri.starts_with("https://"));
}

}  // namespace fuzz
