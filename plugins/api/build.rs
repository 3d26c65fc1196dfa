//! Compiles every .proto of the repository with protox, so that no `protoc` is needed, and writes the descriptor set.

use std::{error::Error, fs, path::PathBuf};

use prost::Message as _;

const ROOT: &str = "../../proto";

fn protos(package: &str) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let folder = PathBuf::from(ROOT).join(package);
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "proto") {
            println!("cargo::rerun-if-changed={}", path.display());
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    let mut files = protos("keyward/v1")?;
    files.push(PathBuf::from(ROOT).join("kubernetes/v2/api.proto"));
    files.push(PathBuf::from(ROOT).join("kubernetes/v1beta1/api.proto"));
    let descriptors = protox::compile(&files, [ROOT])?;
    fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure().bytes(".").build_client(true).build_server(true).compile_fds(descriptors)?;
    Ok(())
}
