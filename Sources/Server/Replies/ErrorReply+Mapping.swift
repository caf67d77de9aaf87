import HTTPTypes
import NIOCore
import NIOHTTP1
import OCI
import Packager
import Registry
import Storage

// The one place where what went wrong becomes a status and a code.

extension ErrorReply {
    /// The reply for anything that a handler can throw.
    init(_ error: any Error) {
        switch error {
        case let error as ErrorReply: self = error
        case let error as EndpointError: self.init(error)
        case let error as RequestError: self.init(error)
        case let error as RegistryError: self.init(error)
        case let error as StorageError: self.init(error)
        case let error as AdmissionError: self.init(error)
        case let error as PaginationError:
            self.init(status: .badRequest, code: .paginationNumberInvalid, message: error.description)
        case let error as ContentError: self.init(error)
        case let error as PackagingError: self.init(error)
        case let error as AbsentImage: self.init(error)
        case let error as ImageQueryError:
            self.init(status: .badRequest, code: .unsupported, message: error.description)
        case let error as ExportError: self.init(error)
        case let error as ImportError: self.init(error)
        case let error as BackupError:
            self.init(status: .conflict, code: .unsupported, message: error.description)
        case let error as UploadNameError:
            self.init(status: .badRequest, code: .nameInvalid, message: error.description)
        case let error as ExecutableNameError:
            self.init(status: .badRequest, code: .nameInvalid, message: error.description)
        case let error as PackagingOptionError:
            self.init(status: .badRequest, code: .unsupported, message: error.description)
        case is HTTPParserError, is ChannelError, is IOError:
            // The connection broke, or what came was no HTTP; often nobody reads the reply.
            self.init(
                status: .badRequest,
                code: .unknown,
                message: "the request could not be read to its end"
            )
        default: self.init(internalError: "something went wrong in the server")
        }
    }

    private init(_ error: EndpointError) {
        switch error {
        case .malformedPath:
            self.init(status: .badRequest, code: .nameInvalid, message: "the path of the URL is malformed")
        case .malformedQuery:
            self.init(status: .badRequest, code: .unsupported, message: "the query of the URL is malformed")
        case .unknownPath:
            self.init(status: .notFound, code: .unsupported, message: "there is nothing at this path")
        case .methodNotAllowed(let allowed):
            let names = allowed.map(\.rawValue).joined(separator: ", ")
            self.init(
                status: .methodNotAllowed,
                code: .unsupported,
                message: "this path takes \(names)",
                headers: [.allow: names]
            )
        case .repositoryName(let error):
            self.init(status: .badRequest, code: .nameInvalid, message: error.description)
        case .impossibleTag(let error):
            self.init(status: .notFound, code: .manifestUnknown, message: error.description)
        case .impossibleImage(.repository(let error)):
            self.init(status: .notFound, code: .nameUnknown, message: error.description)
        case .impossibleImage(.tag(let error)):
            self.init(status: .notFound, code: .manifestUnknown, message: error.description)
        case .impossibleImage(.digest(let error)):
            self.init(status: .badRequest, code: .digestInvalid, message: error.description)
        case .reference(.tag(let error)):
            self.init(status: .badRequest, code: .manifestInvalid, message: error.description)
        case .reference(.digest(let error)), .digest(let error):
            self.init(status: .badRequest, code: .digestInvalid, message: error.description)
        case .uploadID:
            self.init(status: .notFound, code: .blobUploadUnknown, message: "there is no such upload session")
        case .reservedName:
            self.init(
                status: .badRequest,
                code: .nameInvalid,
                message:
                    "a repository whose first part is v2 cannot be uploaded to: the path is the registry's own"
            )
        }
    }

    private init(_ error: RequestError) {
        switch error {
        case .missingHost:
            self.init(status: .badRequest, code: .unsupported, message: "a request has one Host header")
        case .foreignHost(let name):
            self.init(
                status: .misdirectedRequest,
                code: .denied,
                message: "this server does not answer to the name '\(name.printable)'",
                hint: "to have it do so, add the name to 'hosts' in the configuration"
            )
        case .foreignOrigin:
            self.init(
                status: .forbidden,
                code: .denied,
                message: "a page of another web site cannot change anything here"
            )
        case .malformedContentType(let error):
            self.init(
                status: .badRequest,
                code: .manifestInvalid,
                message: "Content-Type: \(error.description)"
            )
        case .unsatisfiableRange(let size):
            self.init(
                status: .rangeNotSatisfiable,
                code: .sizeInvalid,
                message: "there are \(size) bytes",
                headers: [.contentRange: "bytes */\(size)"]
            )
        case .missingDigest:
            self.init(
                status: .badRequest,
                code: .digestInvalid,
                message: "an upload ends with ?digest=<digest of the whole blob>"
            )
        case .malformedDigestField(let field, let value):
            self.init(
                status: .badRequest,
                code: .digestInvalid,
                message: """
                    \(field) cannot be read at '\(value.printable)': it is sha-256=:<base64>:, as RFC 9530 has it, and \
                    X-Checksum-Sha256 64 hexadecimal digits
                    """
            )
        case .contradictingDigests(let algorithm):
            self.init(
                status: .badRequest,
                code: .digestInvalid,
                message:
                    "the headers announce two different \(algorithm.rawValue) digests of the same content"
            )
        case .contentEncoding(let coding):
            self.init(
                status: .unsupportedMediaType,
                code: .unsupported,
                message: """
                    Content-Encoding '\(coding.printable)' is not undone here; send the file as it is, without that header
                    """
            )
        case .tagsBesideTag:
            self.init(
                status: .badRequest,
                code: .manifestInvalid,
                message: "?tag= goes with a push by digest; this one names a tag in its path"
            )
        case .tooManyTags(let limit):
            self.init(
                status: .uriTooLong,
                code: .manifestInvalid,
                message: "one push gives a manifest at most \(limit) tags"
            )
        case .imageName(let error):
            self.init(status: .badRequest, code: .nameInvalid, message: error.description)
        case .wrongOffset(let message, let fields):
            self.init(
                status: .rangeNotSatisfiable,
                code: .blobUploadInvalid,
                message: message,
                headers: fields.fields
            )
        }
    }

    /// Not 429: docker does not try again after that, and after 503 it does.
    private init(_ error: AdmissionError) {
        self.init(
            status: .serviceUnavailable,
            code: .tooManyRequests,
            message: error.description,
            headers: [.retryAfter: String(AdmissionError.retryAfter)]
        )
    }

    private init(_ error: RegistryError) {
        let message = error.description
        switch error {
        case .blobUnknown: self.init(status: .notFound, code: .blobUnknown, message: message)
        case .manifestUnknown: self.init(status: .notFound, code: .manifestUnknown, message: message)
        case .repositoryUnknown: self.init(status: .notFound, code: .nameUnknown, message: message)
        case .manifestInvalid(.tooLarge):
            self.init(status: .contentTooLarge, code: .sizeInvalid, message: message)
        case .manifestInvalid: self.init(status: .badRequest, code: .manifestInvalid, message: message)
        case .contentLengthMismatch: self.init(status: .badRequest, code: .sizeInvalid, message: message)
        case .uploadTooLarge: self.init(status: .contentTooLarge, code: .sizeInvalid, message: message)
        case .deletesDenied(let content):
            self.init(
                status: .methodNotAllowed,
                code: .unsupported,
                message: message,
                hint: "to allow it, set 'deletes: allow' in the configuration",
                headers: [.allow: content == .blob ? "GET, HEAD" : "GET, HEAD, PUT"]
            )
        case .platformUnknown: self.init(status: .notFound, code: .manifestUnknown, message: message)
        case .executableUnknown:
            self.init(
                status: .notFound,
                code: .blobUnknown,
                message: message,
                hint: "docker takes files out of any image: docker cp $(docker create IMAGE):/PATH ."
            )
        case .platformNeeded: self.init(status: .badRequest, code: .unsupported, message: message)
        case .unexpectedPlatform, .unknownBuild:
            self.init(status: .badRequest, code: .unsupported, message: message)
        case .superseded: self.init(status: .conflict, code: .blobUploadInvalid, message: message)
        case .tooManySessions:
            self.init(
                status: .tooManyRequests,
                code: .tooManyRequests,
                message: message,
                headers: [.retryAfter: "60"]
            )
        }
    }

    private init(_ error: StorageError) {
        let message = error.description
        switch error {
        case .unknownUpload: self.init(status: .notFound, code: .blobUploadUnknown, message: message)
        case .wrongOffset: self.init(status: .rangeNotSatisfiable, code: .blobUploadInvalid, message: message)
        case .digestMismatch, .unsupportedAlgorithm:
            self.init(status: .badRequest, code: .digestInvalid, message: message)
        case .missingReferences:
            self.init(status: .notFound, code: .manifestBlobUnknown, message: message)
        case .manifestInUse, .blobInUse, .tagImmutable:
            self.init(status: .conflict, code: .denied, message: message)
        case .full: self.init(status: .insufficientStorage, code: .unknown, message: message)
        case .tooManyOpenFiles:
            self.init(
                status: .serviceUnavailable,
                code: .tooManyRequests,
                message: message,
                headers: [.retryAfter: "1"]
            )
        case .otherFileSystem, .tooManyLinks:
            self.init(status: .conflict, code: .unsupported, message: message)
        case .readOnly, .corrupt:
            self.init(status: .internalServerError, code: .unknown, message: message)
        case .failed, .database: self.init(internalError: "the storage folder could not be read or written")
        }
    }

    /// For what a client can do nothing about: where and how it failed is for the log alone.
    private init(internalError problem: String) {
        self.init(
            status: .internalServerError,
            code: .unknown,
            message: "\(problem); the server's log says more"
        )
    }

    private init(_ error: PackagingError) {
        let message = error.description
        switch error {
        case .refused(let refusal):
            switch refusal.category {
            case .notAnExecutable:
                self.init(
                    status: .unsupportedMediaType,
                    code: .unsupported,
                    message: message,
                    reason: refusal.reason
                )
            case .cannotRun:
                self.init(
                    status: .unprocessableContent,
                    code: .unsupported,
                    message: message,
                    reason: refusal.reason
                )
            }
        case .wrongSize: self.init(status: .badRequest, code: .sizeInvalid, message: message)
        }
    }

    private init(_ error: ExportError) {
        let message = error.description
        switch error {
        case .malformedPath, .digest: self.init(status: .badRequest, code: .unsupported, message: message)
        case .unknown: self.init(status: .notFound, code: .nameUnknown, message: message)
        case .occupied: self.init(status: .conflict, code: .unsupported, message: message)
        case .notPermitted: self.init(status: .forbidden, code: .denied, message: message)
        case .full: self.init(status: .insufficientStorage, code: .unknown, message: message)
        case .failed: self.init(status: .internalServerError, code: .unknown, message: message)
        }
    }

    private init(_ error: ImportError) {
        let message = error.description
        switch error {
        case .malformedPath: self.init(status: .badRequest, code: .unsupported, message: message)
        case .notDistribution: self.init(status: .notFound, code: .nameUnknown, message: message)
        case .unreadable: self.init(status: .forbidden, code: .denied, message: message)
        }
    }

    private init(_ error: ContentError) {
        switch error {
        case .tooLarge(let limit):
            self.init(
                status: .contentTooLarge,
                code: .sizeInvalid,
                message: "the content of this request has at most \(limit) bytes"
            )
        case .interrupted:
            self.init(
                status: .badRequest,
                code: .sizeInvalid,
                message: "the connection ended before the content did"
            )
        case .malformedLength:
            self.init(status: .badRequest, code: .sizeInvalid, message: "Content-Length is no number")
        }
    }
}

extension HTTPResponse.Status {
    /// No space is left; RFC 4918, section 11.5.
    static let insufficientStorage = HTTPResponse.Status(code: 507, reasonPhrase: "Insufficient Storage")
}
