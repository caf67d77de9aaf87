import Glibc
package import OCI
package import Storage

/// Why an export cannot be made.
package enum ExportError: Error, Equatable {
    /// Not the absolute path of something that can have a name beside it.
    case malformedPath(String)
    /// Something is there, and it is no empty folder.
    case occupied(String)
    case unknown(ImageSelection.Part)
    /// Something is named by its digest.
    case digest(ImageName)
    /// No space, or no quota, is left.
    case full(String)
    case notPermitted(String)
    case failed(operation: String, path: String, code: Int32)

    /// What a failed call to the file system means for the layout that was to be made at a path.
    init(_ error: FileError, making path: String) {
        self =
            switch error.code {
            case ENOSPC, EDQUOT: .full(path)
            case EACCES, EPERM, EROFS: .notPermitted(path)
            default: .failed(operation: error.operation, path: error.path, code: error.code)
            }
    }
}

extension ExportError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .malformedPath(let path): "'\(path.printable)' is not the absolute path of a folder to make"
        case .occupied(let path):
            "\(path) is there already: name a folder that does not exist, or an empty one"
        case .unknown(.repository(let name)): "there is no repository \(name)"
        case .unknown(let part): "there is no image \(part)"
        case .digest(let name): "\(name): an export takes repositories, and images by name and tag"
        case .full(let path): "there is no space left for \(path)"
        case .notPermitted(let path): "the owner of the storage folder may not make \(path)"
        case .failed(let operation, let path, let code):
            "\(operation) \(path): \(String(cString: strerror(code)))"
        }
    }
}
