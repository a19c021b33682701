//! End-to-end tests: one module for each topic.
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test's helpers fail like the test itself")]

mod chpst_env;
mod chpst_limits;
mod chpst_new;
mod chpst_state;
mod chpst_usage;
mod chpst_user;
mod real_services;
mod runsv_children;
mod runsv_control;
mod runsv_exit;
mod runsv_files;
mod runsv_finish;
mod runsv_locks;
mod runsv_log;
mod runsv_restart;
mod runsv_scripts;
mod runsv_trouble;
mod runsvdir_container;
mod runsvdir_log;
mod runsvdir_scan;
mod runsvdir_signals;
mod runsvdir_trouble;
mod sv_commands;
mod sv_init_script;
mod sv_manage;
mod sv_status;
mod sv_svc;
mod sv_trouble;
mod sv_wait;
mod svlogd_faults;
mod svlogd_full;
mod svlogd_lines;
mod svlogd_processor;
mod svlogd_rotate;
mod svlogd_signals;
mod svlogd_udp;
