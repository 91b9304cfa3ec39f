// The commands of an operator that let people in: sign-in-link, invite, link-identity. Each returns the exit status.
#pragma once

#include <string>

#include "hub/operator.hpp"

namespace hub {

struct link_config {
    credential_config where;
    std::string public_url;  // empty: only the path is printed
    std::string email;       // sign-in-link: empty: the workspace's owner
    std::string role = "member";
};
// Sets a new password, whatever the old one was.
int make_sign_in_link(const link_config& config);
int invite(const link_config& config);

struct identity_config {
    credential_config where;
    std::string issuer;
    std::string subject;
    std::string email;  // empty: the workspace's owner
    bool remove = false;
};
// A hub that runs notices within a second.
int link_identity(const identity_config& config);

}  // namespace hub
