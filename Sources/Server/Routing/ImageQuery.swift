import OCI
import Packager

/// What of an image is asked for: the query of `GET /<name>`.
struct ImageQuery: Hashable {
    /// Whether it is the executable that is wanted, rather than what is known of the image.
    let wantsFile: Bool
    /// Which of the images of an index; nil for all, or the only one.
    let platform: Platform?

    /// Reads a query; a parameter that there is not is refused, and not passed over.
    init(_ query: Query) throws(ImageQueryError) {
        var wantsFile = false
        var platform: Platform?
        for item in query.items {
            switch item.name {
            case "file":
                guard item.value.isEmpty else { throw .fileWithValue(item.value) }
                wantsFile = true
            case "platform":
                guard platform == nil else { throw .repeatedPlatform }
                platform = try Self.platform(item.value)
            default: throw .unknown(item.name)
            }
        }
        self.wantsFile = wantsFile
        self.platform = platform
    }

    /// Reads a platform, such as `linux/arm64`.
    static func platform(_ text: String) throws(ImageQueryError) -> Platform {
        guard let platform = Platform(text) else { throw .malformedPlatform(text) }
        return platform
    }

    static let parameters = ["file", "platform"]
}

/// Why a query asks for nothing that there is of an image.
enum ImageQueryError: Error, Hashable {
    case unknown(String)
    case fileWithValue(String)
    case repeatedPlatform
    case malformedPlatform(String)
    /// A removal has no parameters: one that was passed over might have been meant to spare something.
    case unneeded(String)
}

extension ImageQueryError: CustomStringConvertible {
    var description: String {
        switch self {
        case .unknown(let name):
            let question =
                nearestName(to: name, among: ImageQuery.parameters).map { " (did you mean '\($0)'?)" } ?? ""
            return "there is nothing called '\(name.printable)' to ask for\(question); there are "
                + ImageQuery.parameters.joined(separator: ", ")
        case .fileWithValue(let value):
            return "'file' has no value, and here it is '\(value.printable)': there is one file in an image"
        case .unneeded(let name):
            return "an image is removed as a whole, without '\(name.printable)'"
        case .repeatedPlatform: return "'platform' is given more than once"
        case .malformedPlatform(let text):
            return "'platform' cannot be '\(text.printable)': it is written as linux/arm64 or linux/arm/v7"
        }
    }
}
