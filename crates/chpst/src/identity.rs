//! Becomes another user, and says what that user may do that others may not.

use runit_rt::{Errno, ids};
use rustix::fs::Uid;
use rustix::thread::{
    CapabilitySet, capabilities, capability_is_in_bounding_set,
    configure_capability_in_ambient_set, remove_capability_from_bounding_set, set_capabilities,
    set_thread_groups, set_thread_res_gid, set_thread_res_uid,
};

use crate::account::Ids;
use crate::capability::Capabilities;
use crate::error::{Failed, What};

/// Sets groups, group and user, all three ids of each, and makes sure of it
/// (this process has one thread).
pub fn become_user(ids: &Ids) -> Result<(), Failed> {
    set_thread_groups(ids.groups.as_slice()).map_err(Failed::to(What::SetGroups))?;
    let gid = ids.gid;
    set_thread_res_gid(gid, gid, gid).map_err(Failed::to(What::SetGid))?;
    let uid = Uid::from_raw(ids.uid);
    set_thread_res_uid(uid, uid, uid).map_err(Failed::to(What::SetUid))?;
    if ids::users() == Ok([ids.uid; 3]) && ids::groups() == Ok([gid.as_raw(); 3]) {
        Ok(())
    } else {
        Err(Failed::refused(What::OtherIds))
    }
}

/// Takes all capabilities but `kept` out of the bounding set: no program that
/// is executed from here on can get them, whatever its file says.
pub fn bound(kept: Capabilities) -> Result<(), Errno> {
    for number in 0..64 {
        let capability = CapabilitySet::from_bits_retain(1 << number);
        match capability_is_in_bounding_set(capability) {
            Ok(true) if !kept.contains(number) => {
                remove_capability_from_bounding_set(capability)?;
            }
            Ok(_) => {}
            // Above the last one that this kernel knows.
            Err(Errno::INVAL) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Makes `set` ambient: a program executed by a user who is not root has these
/// capabilities, and hands them on.
pub fn make_ambient(set: Capabilities) -> Result<(), Errno> {
    let wanted = CapabilitySet::from_bits_retain(set.0);
    let mut sets = capabilities(None)?;
    if !sets.permitted.contains(wanted) {
        return Err(Errno::PERM);
    }
    sets.inheritable |= wanted;
    set_capabilities(None, sets)?;
    for number in 0..64 {
        if set.contains(number) {
            let capability = CapabilitySet::from_bits_retain(1 << number);
            configure_capability_in_ambient_set(capability, true)?;
        }
    }
    Ok(())
}
