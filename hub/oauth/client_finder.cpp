#include "hub/oauth/client_finder.hpp"

#include <utility>

#include "hub/oauth/client_documents.hpp"
#include "hub/oauth/limits.hpp"

namespace hub::oauth {

tenancy::error busy() { return {tenancy::errc::unavailable, "The hub is busy.", {}}; }

client_finder::client_finder(store& rows, common::async::blocking_pool& pool, client_documents& documents)
    : rows_(rows), pool_(pool), documents_(documents) {}

boost::asio::awaitable<result<client>> client_finder::find(std::string client_id) {
    if (client_id.size() > limits::client_id_bytes_max)
        co_return std::unexpected(
            tenancy::error{tenancy::errc::not_found, "The application's client_id is too long.", {}});
    if (is_document_url(client_id)) co_return co_await find_document(std::move(client_id));
    auto found = co_await pool_.run([this, &client_id] { return rows_.find_client(client_id); });
    if (!found) co_return std::unexpected(busy());
    if (!*found && found->error().code == tenancy::errc::not_found)
        found->error().message =
            "This application is not known here, or not any more. Remove the connection in the application and add it again.";
    co_return std::move(*found);
}

boost::asio::awaitable<result<client>> client_finder::find_document(std::string client_id) {
    auto document = co_await documents_.find(client_id);
    if (!document) {
        // Clients forget what they have when they are called unknown: a server that is down must not make them.
        const bool later =
            document.error().code == document_errc::throttled || document.error().code == document_errc::unavailable;
        co_return std::unexpected(tenancy::error{
            later ? tenancy::errc::unavailable : tenancy::errc::not_found, std::move(document.error().message), {}});
    }
    client one;
    one.id = std::move(document->client_id);
    one.kind = client_kind::document;
    one.name = std::move(document->client_name);
    one.redirect_uris = std::move(document->redirect_uris);
    // Proofs by the document's keys are not asked for: PKCE and the redirect URIs bind the code to the client.
    auto kept = co_await pool_.run([this, &one] { return rows_.keep_document(one); });
    if (!kept) co_return std::unexpected(busy());
    if (!*kept) co_return std::unexpected(std::move(kept->error()));
    co_return one;
}

}  // namespace hub::oauth
