//! The command line as people and scripts see it: what every command prints, word for word, and how it ends.

mod backups;
mod clusters;
mod contexts;
mod destructive;
mod exit_codes;
mod govern;
mod help;
mod keys;
mod operator;
mod secrets;
mod tenants;
mod tokens;
mod transcript;

use self::transcript::Transcript;
