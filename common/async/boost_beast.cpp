// The compiled half of a Boost library (see BOOST_BEAST_SEPARATE_COMPILATION in cmake/flags.cmake).
#include <boost/beast/src.hpp>
