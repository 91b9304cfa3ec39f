// The compiled half of a Boost library (see BOOST_ASIO_SEPARATE_COMPILATION in cmake/flags.cmake).
#include <boost/asio/impl/src.hpp>
