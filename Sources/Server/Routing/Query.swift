/// The query of a request: names and values, in order, decoded.
package struct Query: Hashable, Sendable {
    /// One `name=value`; without an equals sign the value is empty.
    package struct Item: Hashable, Sendable {
        package let name: String
        package let value: String
    }

    package let items: [Item]

    /// Takes apart `a=b&c=d`.
    ///
    /// Empty items are passed over.
    init(_ text: Substring) throws(EndpointError) {
        var items: [Item] = []
        for part in text.split(at: UInt8(ascii: "&")) where !part.isEmpty {
            let pair = part.split(at: UInt8(ascii: "="), maxSplits: 1)
            guard let name = PercentDecoding.decode(pair[0]),
                let value = PercentDecoding.decode(pair.count == 2 ? pair[1] : "")
            else { throw .malformedQuery }
            items.append(Item(name: name, value: value))
        }
        self.items = items
    }

    /// The first value of a name.
    subscript(name: String) -> String? { items.first { $0.name == name }?.value }
}
