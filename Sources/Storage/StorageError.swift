import Glibc
package import OCI

/// What can go wrong in keeping content and names.
///
/// The server turns each case into a reply in one `switch`; a new case is a compiler error there until it has one.
package enum StorageError: Error, Equatable {
    // What a client asked for and cannot have.
    case unknownUpload(UploadID)
    /// The bytes do not begin where the upload stands. `actual` is its offset in bytes.
    case wrongOffset(expected: Int64, actual: Int64)
    case digestMismatch(announced: Digest, actual: Digest)
    case unsupportedAlgorithm(Digest)
    case missingReferences([Digest])
    case manifestInUse(Digest, by: [Digest])
    case blobInUse(Digest)
    /// The tag stays with the manifest of this digest.
    case tagImmutable(Tag, Digest)

    // What is wrong with the machine or the store.
    /// No space, or no quota, is left.
    case full
    case readOnly
    case tooManyOpenFiles
    /// A hard link cannot lead from the storage folder to this path.
    case otherFileSystem(folder: String, path: String)
    /// A file cannot have another name.
    case tooManyLinks(Digest)
    /// The stored bytes are not the content that the digest names.
    case corrupt(Digest)
    case failed(operation: String, path: String, code: Int32)
    case database(String)
}

extension StorageError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unknownUpload(let id):
            "there is no upload session \(id): it was finished, cancelled or has expired"
        case .wrongOffset(let expected, let actual):
            "the upload stands at byte \(actual), and the request's content begins at \(expected)"
        case .digestMismatch(let announced, let actual):
            "the content's digest is \(actual), not \(announced)"
        case .unsupportedAlgorithm(let digest):
            """
            content cannot be stored under \(digest.algorithm.description.printable): \
            \(SupportedAlgorithm.allCases.map(\.rawValue).joined(separator: " and ")) are supported
            """
        case .missingReferences(let digests):
            "not in this repository: \(digests.prefix(8).map(\.description).joined(separator: ", "))"
        case .manifestInUse(let digest, let parents):
            """
            \(digest) belongs to the index \(parents.first.map(\.description) ?? ""): \
            delete that first
            """
        case .blobInUse(let digest): "a manifest of this repository refers to \(digest): delete that first"
        case .tagImmutable(let tag, let digest):
            "the tag \(tag) is immutable and points to \(digest): push under another tag"
        case .full: "there is no space left in the storage folder"
        case .readOnly: "the storage folder cannot be written to"
        case .tooManyOpenFiles: "the server has too many files open; try again"
        case .otherFileSystem(let folder, let path):
            """
            \(path) is on another file system than the storage folder \(folder), and hard links cannot lead there: \
            choose a folder on the same one, and copy it from there
            """
        case .tooManyLinks(let digest):
            "the file of \(digest) has as many names as its file system allows: remove an older export"
        case .corrupt(let digest): "the stored bytes of \(digest) are damaged; push it again to heal it"
        case .failed(let operation, let path, let code):
            "\(operation) \(path): \(String(cString: strerror(code)))"
        case .database(let problem): "the catalog's database failed: \(problem)"
        }
    }
}
