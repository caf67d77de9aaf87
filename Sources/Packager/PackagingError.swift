import Executables
import OCI

/// Why a program did not become an image.
package enum PackagingError: Error, Hashable, Sendable {
    /// The file is no program that runs in an empty image.
    case refused(UploadRefusal)
    /// More or fewer bytes came than were announced.
    case wrongSize(announced: UInt64, received: UInt64)
}

extension PackagingError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .refused(let refusal): refusal.message
        case .wrongSize(let announced, let received):
            """
            \(received) bytes came where \(announced) were announced; send the whole file again: curl -T FILE
            """
        }
    }
}

/// What is wrong with a file that was sent, and what to do about it.
package struct UploadRefusal: Hashable, Sendable {
    /// The two ways in which a file can be unfit.
    package enum Category: Hashable, Sendable {
        /// Something other than a program for Linux, or an archive of a root folder.
        case notAnExecutable
        /// A program or a part of one, but none that runs in an empty image; or a folder that no image can be made of.
        case cannotRun
    }

    package let category: Category
    /// A stable name of what was found, such as `mach-o` or `interpreter`.
    package let reason: String
    /// What the file is and what to do, in one line of printable ASCII.
    package let message: String

    /// Passes on what an inspection says of a file, of which `path` is where it was found in an archive.
    init(_ refusal: ExecutableRefusal, of path: String? = nil) {
        category =
            switch refusal.reason.category {
            case .notAnExecutable: .notAnExecutable
            case .cannotRun: .cannotRun
            }
        reason = refusal.reason.rawValue
        message = (path.map { "\($0.printable): " } ?? "") + refusal.message
    }

    init(_ category: Category, _ reason: String, _ message: String) {
        self.category = category
        self.reason = reason
        self.message = message
    }
}
