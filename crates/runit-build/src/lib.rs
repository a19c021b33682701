//! How a tool of the suite is linked: static, without libc, few segments.
