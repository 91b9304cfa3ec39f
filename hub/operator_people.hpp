// The commands of an operator that let people in: sign-in-link, invite. Each prints a link once and returns the exit status.
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

}  // namespace hub
