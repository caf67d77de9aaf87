import OCI

/// What is known of an image that documents are made about.
///
/// All of it is part of the image or told by the program, so that the same image has the same documents.
struct AttestedImage: Sendable {
    let manifest: Descriptor
    let platform: Platform
    /// When the image was made, in RFC 3339.
    let created: String
    let name: ExecutableName
    let executable: PackagedExecutable
    /// What the program tells about itself.
    let origin: ProgramOrigin
    /// What it consists of.
    let inventory: SoftwareInventory
    /// The digest of the root certificates in the image.
    let certificates: Digest?
    /// The digest of the time zones in the image.
    let timeZones: Digest?
    /// The files that came with the program; nil for a program alone.
    let folder: Folder?
    let options: PackagingOptions

    /// A root folder, of which the program is one file.
    struct Folder: Hashable, Sendable {
        /// Of everything in the image, as the layer's archive has it.
        let digest: Digest
        let fileCount: Int
    }

    /// How many files nothing is said about.
    var unlistedFileCount: Int { folder.map { $0.fileCount - 1 } ?? 0 }

    /// The commit that the program was built from; nil for what is none of git's.
    var gitCommit: String? {
        guard let revision = origin.revision, revision.utf8.count == 40 || revision.utf8.count == 64 else {
            return nil
        }
        let isHexadecimal = revision.utf8.allSatisfy { byte in
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
        }
        return isHexadecimal ? revision : nil
    }

    /// A UUID that this image has for one purpose, and no other image.
    ///
    /// - SeeAlso: RFC 9562, section 5.8, "UUID Version 8"
    func uuid(for purpose: String) -> String {
        let digest = Digest(of: Array("\(purpose) \(manifest.digest)".utf8))
        var digits = Array(digest.encoded.prefix(32))
        digits[12] = "8"
        // Two bits are the variant, in the digits 8 to b.
        digits[16] = Array("89ab")[(digits[16].hexDigitValue ?? 0) & 3]
        let groups = [0..<8, 8..<12, 12..<16, 16..<20, 20..<32]
        return groups.map { String(digits[$0]) }.joined(separator: "-")
    }
}
