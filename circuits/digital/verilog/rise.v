// One clock high for each rise of a signal from outside.
module rise (
    input  wire clk,
    input  wire reset_n,
    input  wire d,
    output wire level,
    output wire pulse
);
    reg [2:0] stages;
    always @(posedge clk or negedge reset_n)
        if (!reset_n) stages <= 3'b111;  // a signal that is high as the reset ends has not risen
        else stages <= {stages[1:0], d};
    assign level = stages[1];
    assign pulse = stages[1] & ~stages[2];
endmodule
