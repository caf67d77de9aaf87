import FoundationEssentials
import OCI

extension RegistryClient {
    /// Enters referrers under the tag that stands for a list of them, for registries that keep no list themselves.
    ///
    /// What is in it stays, also what this program does not know. Two clients that do so at once can still undo each
    /// other's work, as the specification says.
    ///
    /// - SeeAlso: distribution-spec v1.1.1, "Referrers Tag Schema"
    func enter(_ referrers: [Descriptor], underTagOf subject: Digest) async throws {
        let tag: Tag
        do { tag = try Self.referrersTag(of: subject) } catch {
            throw RegistryClientError(.malformed, "\(subject) is too long for a tag")
        }
        let entries = try await entries(of: tag)
        let known = Set(entries.compactMap { $0["digest"]?.text })
        let missing = referrers.filter { !known.contains($0.digest.description) }
        guard !missing.isEmpty else { return }
        let index = JSONValue.object([
            .init("schemaVersion", .integer(2)),
            .init("mediaType", .string(MediaType.ociIndex.rawValue)),
            .init("manifests", .array(entries.map(\.value) + missing.map(\.json))),
        ]).canonicalBytes
        let descriptor = Descriptor(
            mediaType: .ociIndex,
            digest: Digest(of: index),
            size: Int64(index.count)
        )
        try await push(index, descriptor, as: .tag(tag))
    }

    static func referrersTag(of subject: Digest) throws -> Tag {
        try Tag("\(subject.algorithm)-\(subject.encoded)")
    }

    private struct Index: Decodable {
        let manifests: [ForeignJSON]?
    }

    private func entries(of tag: Tag) async throws -> [ForeignJSON] {
        guard let (bytes, _) = try await manifest(.tag(tag)) else { return [] }
        guard let index = try? JSONDecoder().decode(Index.self, from: Data(bytes)),
            let manifests = index.manifests
        else {
            throw RegistryClientError(
                .malformed,
                "\(title) has something at \(repository):\(tag) that is no index of referrers"
            )
        }
        return manifests
    }
}

/// JSON that somebody else wrote, and that is passed on with all that it says.
struct ForeignJSON: Decodable {
    let value: JSONValue

    init(from decoder: any Decoder) throws {
        if let object = try? decoder.container(keyedBy: Key.self) {
            let members = try object.allKeys.sorted { $0.stringValue < $1.stringValue }.map { key in
                JSONValue.Member(key.stringValue, try object.decode(ForeignJSON.self, forKey: key).value)
            }
            value = .object(members)
            return
        }
        if var array = try? decoder.unkeyedContainer() {
            var elements: [JSONValue] = []
            while !array.isAtEnd { elements.append(try array.decode(ForeignJSON.self).value) }
            value = .array(elements)
            return
        }
        let single = try decoder.singleValueContainer()
        if single.decodeNil() {
            value = .null
        } else if let bool = try? single.decode(Bool.self) {
            value = .bool(bool)
        } else if let integer = try? single.decode(Int64.self) {
            value = .integer(integer)
        } else if let number = try? single.decode(UInt64.self) {
            value = .canonical(Array(String(number).utf8))
        } else if let number = try? single.decode(Double.self), number.isFinite {
            // Swift writes the shortest text that reads as the same number, in a form that JSON has.
            value = .canonical(Array("\(number)".utf8))
        } else {
            value = .string(try single.decode(String.self))
        }
    }

    /// The string itself, where it is one.
    var text: String? {
        if case .string(let text) = value { text } else { nil }
    }

    subscript(key: String) -> ForeignJSON? {
        guard case .object(let members) = value else { return nil }
        return members.first { $0.key == key }.map { ForeignJSON($0.value) }
    }

    private init(_ value: JSONValue) { self.value = value }

    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}
