//! Maps and sets whose order is of no account.
//!
//! They hash alike in all runs of a program, so that a simulation finds again, by its seed, what it found once.

use std::{
    collections::{HashMap, HashSet},
    hash::{BuildHasherDefault, DefaultHasher},
};

/// A map by keys that are looked up and not walked in order.
pub type Map<K, V> = HashMap<K, V, BuildHasherDefault<DefaultHasher>>;

/// A set of such keys.
pub type Set<K> = HashSet<K, BuildHasherDefault<DefaultHasher>>;
