//! Becomes another user, and says what that user may do that others may not.

use runit_rt::{Errno, ids};
use rustix::fs::{Gid, Uid};
use rustix::thread::{
    CapabilitySet, capabilities, capability_is_in_bounding_set,
    configure_capability_in_ambient_set, remove_capability_from_bounding_set, set_capabilities,
    set_keep_capabilities, set_thread_groups, set_thread_res_gid, set_thread_res_uid,
};

use crate::account::Ids;
use crate::capability::Capabilities;
use crate::error::Error;

/// Sets groups, group and user, all three ids of each, and makes sure of it
/// (this process has one thread). With `keep`, capabilities outlast a change
/// from root, until the program is executed.
pub fn become_user(ids: &Ids, keep: bool) -> Result<(), Error<'static>> {
    let unable = |what| move |error| Error::Unable { what, error };
    set_thread_groups(&ids.groups).map_err(unable("setgroups"))?;
    let gid = Gid::from_raw(ids.gid);
    set_thread_res_gid(gid, gid, gid).map_err(unable("setgid"))?;
    if keep {
        set_keep_capabilities(true).map_err(unable("keep capabilities"))?;
    }
    let uid = Uid::from_raw(ids.uid);
    set_thread_res_uid(uid, uid, uid).map_err(unable("setuid"))?;
    if ids::users() == Ok([ids.uid; 3]) && ids::groups() == Ok([ids.gid; 3]) {
        Ok(())
    } else {
        Err(Error::OtherIds)
    }
}

/// Takes all capabilities but `kept` out of the bounding set: no program that
/// is executed from here on can get them, whatever its file says.
pub fn bound(kept: Capabilities) -> Result<(), Error<'static>> {
    for number in (0..64).filter(|&number| !kept.contains(number)) {
        let capability = CapabilitySet::from_bits_retain(1 << number);
        match capability_is_in_bounding_set(capability) {
            Ok(false) => {}
            Ok(true) => remove_capability_from_bounding_set(capability).map_err(|error| {
                Error::Unable { what: "reduce the capability bounding set", error }
            })?,
            // Above the last one that this kernel knows.
            Err(_) => break,
        }
    }
    Ok(())
}

/// Makes `set` ambient: a program executed by a user who is not root has these
/// capabilities, and hands them on.
pub fn make_ambient(set: Capabilities) -> Result<(), Error<'static>> {
    let unable = |error| Error::Unable { what: "set ambient capabilities", error };
    let wanted = CapabilitySet::from_bits_retain(set.0);
    let mut sets = capabilities(None).map_err(unable)?;
    if !sets.permitted.contains(wanted) {
        return Err(unable(Errno::PERM));
    }
    sets.inheritable |= wanted;
    set_capabilities(None, sets).map_err(unable)?;
    for number in (0..64).filter(|&number| set.contains(number)) {
        let capability = CapabilitySet::from_bits_retain(1 << number);
        configure_capability_in_ambient_set(capability, true).map_err(unable)?;
    }
    Ok(())
}
