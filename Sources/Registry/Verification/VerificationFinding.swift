import Glibc
package import OCI
package import Storage

/// Something that is not as it was stored.
package struct VerificationFinding: Hashable, Sendable {
    /// What is wrong.
    package enum Problem: Hashable, Sendable {
        /// A blob's bytes are not what its digest says, or not there.
        case blob(BlobCondition, size: Int64)
        /// A manifest's bytes are not what its digest says.
        case manifest
        /// A repository lacks something that its manifest refers to.
        case missing(Digest, in: RepositoryName)
        /// The catalog says something else about a manifest than its bytes do.
        case misrecorded(in: RepositoryName, isMended: Bool)
    }

    /// What it is about; for something missing the manifest that refers to it.
    package let digest: Digest
    package let problem: Problem
    /// The images that cannot be pulled whole for it, or some of them.
    package let uses: [ContentUse]
    /// Whether there are more of these.
    package let hasMoreUses: Bool
    /// Whether nobody knew of it before.
    package let isNew: Bool

    /// Whether it is still wrong.
    package var isDamage: Bool {
        if case .misrecorded(_, isMended: true) = problem { false } else { true }
    }
}

extension VerificationFinding: CustomStringConvertible {
    /// What is wrong, in one line.
    package var description: String {
        switch problem {
        case .blob(let condition, let size): "blob \(digest): \(condition.text(size: size))"
        case .manifest: "manifest \(digest): its bytes are not what the digest says"
        case .missing(let target, let repository):
            "\(repository) lacks \(target), which the manifest \(digest) refers to"
        case .misrecorded(let repository, let isMended):
            "manifest \(digest) in \(repository): its records were wrong"
                + (isMended ? ", and are mended" : "; berth verify --repair mends them")
        }
    }
}

extension BlobCondition {
    /// What is wrong with a blob of a size.
    fileprivate func text(size: Int64) -> String {
        switch self {
        case .whole: "it is whole"
        case .missing: "its file is missing (\(size) bytes)"
        case .wrongSize(let actual): "its file has \(actual) bytes instead of \(size)"
        case .wrongBytes(let actual): "its bytes are those of \(actual)"
        case .unreadable(let code): "its file cannot be read: \(String(cString: strerror(code)))"
        }
    }

    /// Whether nothing but the file itself is to blame: what nobody may read, or what is not mounted, may be whole.
    var isDamage: Bool {
        switch self {
        case .whole: false
        case .missing, .wrongSize, .wrongBytes: true
        case .unreadable(let code): code != EACCES && code != EPERM
        }
    }
}

/// What came of a verification.
package struct VerificationReport: Hashable, Sendable {
    package var manifests = 0
    package var blobs = 0
    /// How many bytes of blobs were read.
    package var bytes: Int64 = 0
    /// How many findings are still wrong.
    package var damaged = 0
    /// Blobs that had been quarantined, and are whole.
    package var restored = 0
    /// Records that contradicted others; mended by a repair.
    package var records: [ReconciledRecords] = []
    /// Files without records: nil where nobody looked.
    package var unknown: UnknownContent?
    /// What was left of uploads; removed by a repair.
    package var leftovers = 0

    /// Whether everything is as it was stored.
    package var isWhole: Bool {
        damaged == 0 && (isRepaired || records.isEmpty)
    }

    package var isRepaired = false

    package init() {}
}

/// Files of blobs that have no record.
package struct UnknownContent: Hashable, Sendable {
    package var count = 0
    /// Those that images refer to, and that have a record again.
    package var adopted = 0
    /// Those that nothing needed, and that are gone.
    package var removed = 0
}

/// What a verification tells while it runs.
package enum VerificationEvent: Hashable, Sendable {
    /// In bytes.
    case progress(done: Int64, total: Int64)
    case finding(VerificationFinding)
    /// A blob that had been quarantined is whole.
    case restored(Digest)
    /// Content without a record that images refer to has one again.
    case adopted(Digest)
}
