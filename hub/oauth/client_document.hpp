// Client id metadata documents: an OAuth client whose id is the https URL of a JSON document about it
// (draft-ietf-oauth-client-id-metadata-document). Pure. Errors are sentences for the client's developer.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hub::oauth {

// What we take of a document. Logos are not shown: fetching them would tell who signs in where.
struct client_document {
    std::string client_id;  // the URL, byte by byte
    std::string
        client_name;  // plain text, at most 100 bytes; the URL's host if the document has none that can be shown
    std::string client_host;                 // of the client_id: what a person can judge
    std::string client_uri;                  // https, or empty
    std::vector<std::string> redirect_uris;  // 1 to 10; matched by the rules of RFC 8252 later
    std::string token_endpoint_auth_method;  // "none" or "private_key_jwt"

    bool operator==(const client_document&) const = default;
};

// Could this client_id name a document? Ids that do not begin with "https://" never do: they are registered ones.
inline bool is_document_url(std::string_view client_id) { return client_id.starts_with("https://"); }

// Nothing, or what is wrong with the URL.
std::optional<std::string> find_client_id_fault(std::string_view client_id);

// `client_id` has no fault. `body` is what was found there.
std::expected<client_document, std::string> parse_client_document(std::string_view client_id, std::string_view body);

}  // namespace hub::oauth
